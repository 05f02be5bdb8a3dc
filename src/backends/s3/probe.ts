/** Looks at an S3 service for `check --probe` and before a reload: connects, and asks for something with AWS's own client. */
import type { ProxyError } from '../../errors.ts'
import { type ClientTls, connected, connectFailure, formatAddress } from '../../net/index.ts'
import type { EndpointProbe, ProbeReport } from '../../protocol.ts'
import { loadS3Client } from './aws-sdk.ts'
import type { CredentialSource } from './credentials.ts'
import type { ServiceEndpoint } from './endpoint.ts'
import { detectProfile } from './profiles/detect.ts'
import type { Profile } from './profiles/profile.ts'

type Failure = NonNullable<EndpointProbe['failure']>

export interface ProbeTarget {
  readonly endpoint: ServiceEndpoint
  readonly tls: ClientTls | undefined
  readonly region: string
  readonly profile: Profile
  readonly pathStyle: boolean
  readonly credentials: CredentialSource | undefined
  /** One that the configuration names, if any: keys of one bucket may not list all. */
  readonly bucket: string | undefined
  readonly timeoutMs: number
}

/** Never rejects. */
export async function probeService(target: ProbeTarget): Promise<ProbeReport> {
  const { endpoint, tls, timeoutMs } = target
  const address = { host: endpoint.host, port: endpoint.port }
  const where = formatAddress(address)
  try {
    const socket = await connected({ address, tls, connectTimeoutMs: timeoutMs })
    socket.on('error', () => {})
    socket.destroy()
    const probe = await ask(target)
    return { ok: probe.ok, endpoints: [{ address: where, ...probe }] }
  } catch (error) {
    const failure =
      schemeFailure(error as Error, target) ?? connectFailure(error as ProxyError) ?? explain(error as Error)
    return { ok: false, endpoints: [{ address: where, ok: false, failure }] }
  }
}

async function ask(target: ProbeTarget): Promise<Omit<EndpointProbe, 'address'>> {
  const { endpoint, region, pathStyle, credentials, bucket, timeoutMs, tls } = target
  if (!credentials)
    return { ok: true, facts: { requests: 'not tried: this backend has no credentials, requests go unsigned' } }
  const keys = await credentials.wait()
  const { S3Client, ListBucketsCommand, HeadBucketCommand } = await loadS3Client()
  const scheme = endpoint.isSecure ? 'https' : 'http'
  const options = tls?.options({ host: endpoint.host, port: endpoint.port })
  const { Agent } = await import('node:https')
  const client = new S3Client({
    endpoint: `${scheme}://${endpoint.authority}`,
    region,
    forcePathStyle: pathStyle,
    credentials: { ...keys, ...(keys.sessionToken === undefined && { sessionToken: undefined }) } as never,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: { requestTimeout: timeoutMs, ...(options && { httpsAgent: new Agent(options as never) }) },
  })
  let headers: Readonly<Record<string, string>> = {}
  client.middlewareStack.add(
    next => async args => {
      const result = await next(args)
      headers = (result.response as { readonly headers?: Record<string, string> }).headers ?? {}
      return result
    },
    { step: 'deserialize', priority: 'low' },
  )
  const profileFacts = () => describeProfile(target.profile, detectProfile(headers))
  const begin = performance.now()
  try {
    if (bucket === undefined) await client.send(new ListBucketsCommand({}))
    else await client.send(new HeadBucketCommand({ Bucket: bucket }))
    const latencyMs = performance.now() - begin
    const server = headers['server']
    return {
      ok: true,
      latencyMs,
      ...(server !== undefined && { version: server }),
      facts: { region, ...profileFacts() },
    }
  } catch (error) {
    const { name, message } = error as Error
    // Whoever may not list has at least been believed.
    if (name === 'AccessDenied')
      return {
        ok: true,
        latencyMs: performance.now() - begin,
        facts: { region, ListBuckets: message, ...profileFacts() },
      }
    return { ok: false, failure: schemeFailure(error as Error, target) ?? explain(error as Error) }
  } finally {
    client.destroy()
  }
}

function describeProfile({ name, title }: Profile, detected: string | undefined): Readonly<Record<string, string>> {
  const hint =
    detected === undefined || detected === name ? '' : `; it looks like \`${detected}\`, set \`profile\` to that`
  return { profile: `${name} (${title})${hint}` }
}

/** By the codes of S3. */
const ADVICE: Readonly<Record<string, readonly [stage: Failure['stage'], next: string]>> = {
  InvalidAccessKeyId: ['authenticate', 'check `credentials.accessKeyId`: the service does not know it'],
  SignatureDoesNotMatch: ['authenticate', 'check `credentials.secretAccessKey`: it does not belong to the access key'],
  AuthorizationHeaderMalformed: ['authenticate', 'set `region` to the one that the service expects'],
  RequestTimeTooSkewed: ['authenticate', 'set the clock of this machine'],
  NotFound: ['query', 'check `buckets`: there is no bucket of that name'],
  PermanentRedirect: ['query', 'set `endpoint` and `region` to those of the bucket'],
  'secret-unavailable': ['authenticate', 'check `credentials`: where the key is to come from'],
}

/** What servers make of the other scheme, or of no S3 at all; undefined for anything else. */
function schemeFailure({ name, message }: Error, { endpoint, bucket }: ProbeTarget): Failure | undefined {
  if (endpoint.isSecure && /wrong version number|packet length too long/.test(message))
    return { stage: 'tls', cause: 'the service does not speak TLS there', next: 'write `http://` in `endpoint`' }
  if (!endpoint.isSecure && /socket hang up|ECONNRESET/.test(message))
    return {
      stage: 'query',
      cause: 'the service closed the connection instead of answering',
      next: 'check `endpoint`; if the service speaks TLS there, write `https://`',
    }
  // Only a bucket may be missing.
  if (name === 'NotFound' && bucket === undefined) return { stage: 'query', cause: name, next: NO_SERVICE }
  return undefined
}

const NO_SERVICE = 'check that `endpoint` is that of an S3 service'

function explain(error: Error & { code?: string }): Failure {
  const advice = ADVICE[error.name] ?? (error.code === undefined ? undefined : ADVICE[error.code])
  const [stage, next] = advice ?? ['query', NO_SERVICE]
  const said = error.message === '' || error.message === 'UnknownError' ? '' : `: ${error.message}`
  return {
    stage,
    cause: error.name === 'Error' || error.name === 'ProxyError' ? error.message : `${error.name}${said}`,
    next,
  }
}
