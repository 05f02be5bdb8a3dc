/** The options of an S3 backend: the cloud's side, all that changes when the application moves. */
import * as z from 'zod/mini'
import { clientTls, duration, secretRef } from '../../config/index.ts'
import { parseEndpoint } from './endpoint.ts'
import { PROFILES } from './profiles/table.ts'

const endpoint = z.pipe(
  z.string(),
  z.transform((written, context) => {
    const parsed = parseEndpoint(written)
    if (parsed && !METADATA_HOSTS.has(parsed.host.toLowerCase())) return parsed
    context.issues.push({ code: 'custom', message: parsed ? METADATA : ENDPOINT, input: written })
    return z.NEVER
  }),
)
/** Where clouds give out credentials to their machines and containers. */
const METADATA_HOSTS: ReadonlySet<string> = new Set([
  ...['169.254.169.254', 'fd00:ec2::254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::23'],
  ...['metadata.google.internal', '100.100.100.200'],
])
const METADATA = 'is where a cloud gives out credentials, and no store'
const ENDPOINT =
  'must be http:// or https:// with a host and at most a port, such as https://s3.eu-west-1.amazonaws.com'

const bucket = z.strictObject({
  name: z.optional(z.string().check(z.minLength(1))).check(z.describe('What the bucket is called at the service.')),
  prefix: z._default(z.string(), '').check(z.describe('What its keys have in front there, such as `team-a/`.')),
})

const keys = z.strictObject({
  accessKeyId: z.string().check(z.minLength(1), z.describe('The id of the key.')),
  secretAccessKey: secretRef().check(z.describe('Its secret.')),
  sessionToken: z.optional(secretRef()).check(z.describe('The token that belongs to a temporary key.')),
})

const provider = z
  .strictObject({
    provider: z
      .enum(['default', 'environment', 'ini', 'imds', 'container', 'web-identity', 'sso', 'assume-role'])
      .check(
        z.describe(
          'Where AWS keeps the credentials: `default` looks for them as the AWS SDKs do; the others name one place.',
        ),
      ),
    profile: z.optional(z.string()).check(z.describe('With `ini` and `sso`: the profile of the shared files.')),
    roleArn: z.optional(z.string()).check(z.describe('With `assume-role` and `web-identity`: the role to take.')),
    webIdentityTokenFile: z.optional(z.string()).check(z.describe('With `web-identity`: the file of the token.')),
  })
  .check(({ value, issues }) => {
    if (value.provider !== 'assume-role' || value.roleArn !== undefined) return
    issues.push({ code: 'custom', message: 'is needed with assume-role', input: value, path: ['roleArn'] })
  })

export const s3BackendOptions = z
  .strictObject({
    endpoint: z
      .optional(endpoint)
      .check(z.describe('The URL of the service, without a bucket: `https://host` or `http://host:port`.')),
    embedded: z
      .optional(
        z.union([
          z.boolean(),
          z.strictObject({
            dataDirectory: z._default(z.string(), '.portolan/s3').check(z.describe('Where the objects are kept.')),
          }),
        ]),
      )
      .check(z.describe('Portolan keeps the objects itself, as files of this machine; instead of an endpoint.')),
    profile: z
      ._default(z.enum([...PROFILES.keys()] as [string, ...string[]]), 'generic')
      .check(z.describe('What kind of service it is, by which requests are adapted (table of profiles).')),
    region: z
      .optional(z.string().check(z.minLength(1)))
      .check(z.describe('The region that signatures name; by default the one of the profile.')),
    addressing: z
      .optional(z.enum(['path', 'virtual-host']))
      .check(z.describe('Where the service wants the bucket; by default as the profile says.')),
    credentials: z
      .optional(z.union([keys, provider]))
      .check(z.describe('How Portolan signs. Without it requests are sent unsigned.')),
    buckets: z
      .prefault(z.record(z.string(), bucket), {})
      .check(z.describe('Buckets that are called otherwise at the service, or share one; others keep their names.')),
    tls: z.optional(clientTls()).check(z.describe('Details of TLS, for https.')),
    connectTimeout: duration('5s').check(z.describe('Time to resolve, connect and do TLS.')),
    responseTimeout: duration('60s').check(
      z.describe('Time without a byte of an answer, from the end of the request on, or within the answer.'),
    ),
    uploadTimeout: duration('60s').check(z.describe('Time in which the service takes nothing of a body.')),
    healthCheck: z
      .prefault(
        z.strictObject({
          interval: duration('10s').check(z.describe('Time between two checks; 0 turns them off.')),
          timeout: duration('5s').check(z.describe('Limit for one check.')),
          unhealthyAfter: z
            ._default(z.int().check(z.minimum(1)), 3)
            .check(z.describe('Failed checks in a row after which it counts as down.')),
          healthyAfter: z
            ._default(z.int().check(z.minimum(1)), 1)
            .check(z.describe('Successful checks in a row that bring it back.')),
        }),
        { interval: '10s', timeout: '5s' },
      )
      .check(
        z.describe(
          'An unsigned request now and then; any answer below 500 will do. What is down is read from elsewhere at once (`readFallback`).',
        ),
      ),
    pool: z
      .prefault(
        z.strictObject({
          max: z._default(z.int().check(z.minimum(1)), 256).check(z.describe('Connections to the service at most.')),
          waitTimeout: duration('10s').check(z.describe('How long a request waits for a connection.')),
          maxWaiting: z
            ._default(z.int().check(z.minimum(1)), 10_000)
            .check(z.describe('Requests that wait at most; one more is answered SlowDown at once.')),
          idleTimeout: duration('4s').check(
            z.describe('Idle connections are closed after so long; many services close theirs after 5 s.'),
          ),
        }),
        { waitTimeout: '10s', idleTimeout: '4s' },
      )
      .check(z.describe('The connections that requests share.')),
  })
  .check(({ value, issues }) => {
    if (issues.length > 0 || (value.endpoint !== undefined) !== Boolean(value.embedded)) return
    const message = value.embedded
      ? 'stands beside embedded; one of the two says where objects are'
      : 'is needed, unless embedded is true'
    issues.push({ code: 'custom', message, input: value, path: ['endpoint'] })
  })

export type S3BackendOptions = z.output<typeof s3BackendOptions>
