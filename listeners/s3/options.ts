/** The options of an S3 listener: the application's side, the same on every cloud. */
import * as z from 'zod/mini'
import { duration, secretRef, serverTls, size } from '../../src/config/index.ts'

const pattern = z.string().check(z.minLength(1))

const key = z.strictObject({
  accessKeyId: z.string().check(z.minLength(1), z.describe('The id that the application signs with.')),
  secretAccessKey: secretRef().check(z.describe('Its secret. It is worth nothing anywhere else.')),
  buckets: z
    .optional(z.array(pattern))
    .check(z.describe('Buckets that the key may name, `*` for any characters; without the list any.')),
  prefixes: z
    .optional(z.array(z.string()))
    .check(z.describe('What its keys must begin with, one of these; lists must ask for such a prefix.')),
  operations: z
    .optional(z.array(z.enum(['read', 'list', 'write', 'delete', 'admin'])))
    .check(z.describe('What the key may do; `admin` is all that makes, changes and removes buckets. Default: all.')),
  maxObjectSize: z.optional(size()).check(z.describe('The largest body that the key may upload in one request.')),
})

/** Of two keys with one id, one would count without a word. */
const eachIdOnce = z.check<z.output<typeof key>[]>(({ value, issues }) => {
  value.forEach(({ accessKeyId }, at) => {
    if (value.findIndex(other => other.accessKeyId === accessKeyId) === at) return
    issues.push({
      code: 'custom',
      message: 'is the id of another key already',
      input: accessKeyId,
      path: [at, 'accessKeyId'],
    })
  })
})

const cors = z.strictObject({
  origins: z.array(pattern).check(z.minLength(1), z.describe('Origins of web pages, `*` for any characters.')),
  buckets: z.optional(z.array(pattern)).check(z.describe('Buckets that it counts for; without the list all.')),
  methods: z
    ._default(z.array(z.enum(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])), ['GET', 'HEAD'])
    .check(z.describe('Methods that the pages may use.')),
  headers: z._default(z.array(pattern), ['*']).check(z.describe('Headers that they may send.')),
  expose: z._default(z.array(z.string()), ['ETag']).check(z.describe('Headers of answers that they may read.')),
  maxAge: duration('10m').check(z.describe('How long a browser need not ask again.')),
})

const route = z.strictObject({
  keys: z
    .optional(z.array(z.string()).check(z.minLength(1)))
    .check(
      z.describe(
        'Ids of keys that it counts for, such as to give each an account of the service; without the list all.',
      ),
    ),
  buckets: z.array(pattern).check(z.minLength(1), z.describe('Buckets that it counts for, `*` for any characters.')),
  backend: z.optional(z.string()).check(z.describe("Where they are; by default the listener's backend.")),
  readFallback: z
    ._default(z.array(z.string()), [])
    .check(z.describe('Backends that are read from, in this order, while those before cannot be reached.')),
  presigned: z
    ._default(z.enum(['proxy', 'redirect']), 'proxy')
    .check(
      z.describe(
        'What becomes of presigned URLs: the bytes pass through here, or the client is sent to a URL of the service (307).',
      ),
    ),
})

export const s3ListenerOptions = z
  .strictObject({
    keys: z
      .prefault(z.array(key), [])
      .check(eachIdOnce)
      .check(z.describe('Requests must be signed with one of these; without keys anybody may do anything.')),
    anonymous: z
      .prefault(z.array(pattern), [])
      .check(z.describe('Buckets whose objects may be read without a signature, `*` for any characters.')),
    passUnsigned: z
      .prefault(z.array(pattern), [])
      .check(
        z.describe(
          'Buckets whose requests without a signature go on without one, so that the ACLs of the service decide; `*` for any characters.',
        ),
      ),
    domains: z
      ._default(z.array(pattern), ['s3.localhost'])
      .check(z.describe('Base domains of virtual hosts: `BUCKET.s3.localhost` then names a bucket.')),
    routes: z
      .prefault(z.array(route), [])
      .check(z.describe('Buckets that are treated otherwise; the first that fits counts.')),
    cors: z
      .prefault(z.array(cors), [])
      .check(z.describe('What web pages of other origins may do; the first that fits counts.')),
    tls: z
      .optional(serverTls())
      .check(z.describe('TLS towards the application; `{ generate: true }` for a certificate of its own.')),
    region: z
      ._default(z.string(), 'us-east-1')
      .check(z.describe('The region that the application is told. It may sign for any.')),
    maxConnections: z
      ._default(z.int().check(z.minimum(1)), 10_000)
      .check(z.describe('Connections at most; one more is told so (SlowDown) and closed.')),
    headTimeout: duration('10s').check(
      z.describe('Time for the TLS handshake, and for the head of a request once it has begun.'),
    ),
    idleTimeout: duration('75s').check(z.describe('Connections without a request are closed after so long.')),
    bodyTimeout: duration('60s').check(
      z.describe(
        'Time without progress that ends a request: the application sends nothing of a body, or takes nothing of an answer.',
      ),
    ),
    maxHead: size('64KiB').check(z.describe('The largest head of a request.')),
    maxDocument: size('8MiB').check(
      z.describe('The largest body of a request that is not an object: XML, policies and the like.'),
    ),
    maxChunk: size('16MiB').check(z.describe('The largest chunk of a body that comes in signed chunks.')),
    accessLog: z
      .optional(z.string().check(z.minLength(1)))
      .check(z.describe("File that gets a line for each request, in the form of S3's server access log.")),
    slowLog: duration('10s').check(
      z.describe('Requests that take longer to their first byte are counted and logged, ten a second; 0 for none.'),
    ),
  })
  .check(({ value, issues }) => {
    const known = new Set(value.keys.map(({ accessKeyId }) => accessKeyId))
    value.routes.forEach(({ keys = [] }, at) => {
      keys.forEach((name, i) => {
        if (known.has(name)) return
        issues.push({ code: 'custom', message: 'is no id of `keys`', input: name, path: ['routes', at, 'keys', i] })
      })
    })
  })

export type S3ListenerOptions = z.output<typeof s3ListenerOptions>
export type KeyOptions = z.output<typeof key>
export type CorsOptions = z.output<typeof cors>
export type RouteOptions = z.output<typeof route>
