/** Looks at a Redis backend for `check --probe` and before a reload: connects, authenticates, asks who it is. */
import type { Address } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import { connectFailure, formatAddress } from '../../net/index.ts'
import type { EndpointProbe, ProbeReport } from '../../protocol.ts'
import { ControlConnection, ControlError, type ControlTarget } from './control.ts'

type Failure = NonNullable<EndpointProbe['failure']>

export interface ProbeTarget extends Omit<ControlTarget, 'address' | 'password'> {
  readonly password: () => Promise<string | undefined>
}

/** Looks at every address; ok when one can be used. Never rejects. */
export async function probe(addresses: readonly Address[], target: ProbeTarget): Promise<ProbeReport> {
  const endpoints = await Promise.all(addresses.map(address => probeEndpoint(address, target)))
  return { ok: endpoints.some(endpoint => endpoint.ok), endpoints }
}

async function probeEndpoint(address: Address, target: ProbeTarget): Promise<EndpointProbe> {
  const where = formatAddress(address)
  let failure = SECRET
  let connection: ControlConnection | undefined
  try {
    const found = { ...target, address, password: await target.password() }
    failure = QUERY
    connection = await ControlConnection.open(found)
    failure = AUTHENTICATE
    await connection.authenticate(found)
    failure = QUERY
    const started = performance.now()
    await connection.ask(['PING'])
    const latencyMs = performance.now() - started
    const info = facts(String(await connection.ask(['INFO'])))
    const resp3 = await connection.ask(['HELLO', '2']).then(
      () => true,
      () => false,
    )
    return { address: where, ok: true, latencyMs, ...describe(info, resp3) }
  } catch (error) {
    return { address: where, ok: false, failure: explain(failure, error as Error) }
  } finally {
    connection?.close()
  }
}

const SECRET: Failure = {
  stage: 'authenticate',
  cause: '',
  next: 'see credentials.password of this backend; the secret must be there for the process and user that run Portolan',
}
const AUTHENTICATE: Failure = {
  stage: 'authenticate',
  cause: '',
  next: 'check credentials.username and credentials.password of this backend',
}
const QUERY: Failure = {
  stage: 'query',
  cause: '',
  next: 'see whether a Redis-compatible server listens on this address; if it wants TLS, give this backend `tls: {}`',
}

function explain(failure: Failure, error: Error): Failure {
  const cause = error.message
  if (/^NOAUTH/.test(cause)) return { stage: 'authenticate', cause, next: 'give this backend credentials.password' }
  if (/^LOADING/.test(cause)) return { stage: 'query', cause, next: 'wait until the server has loaded its data' }
  // Whoever hangs up has not judged the credentials.
  const meant = failure === AUTHENTICATE && !(error instanceof ControlError) ? QUERY : failure
  return connectFailure(error as ProxyError) ?? { ...meant, cause }
}

function describe(info: ReadonlyMap<string, string>, resp3: boolean) {
  const product = info.has('valkey_version') ? 'valkey' : 'redis'
  const role = info.get('role') ?? 'unknown role'
  return {
    version: `${product} ${info.get('valkey_version') ?? info.get('redis_version') ?? 'of unknown version'}`,
    topology: [
      info.get('redis_mode') ?? 'standalone',
      role === 'master' ? 'primary' : role,
      `${info.get('connected_slaves') ?? 0} replicas`,
    ].join(', '),
    facts: {
      RESP3: resp3 ? 'yes' : 'no',
      memory: info.get('used_memory_human') ?? 'unknown',
      'maxmemory policy': info.get('maxmemory_policy') ?? 'unknown',
    },
  }
}

/** `name:value` lines of INFO. */
function facts(text: string): Map<string, string> {
  const map = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) map.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return map
}
