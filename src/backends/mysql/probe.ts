/** Looks at a MySQL backend for `check --probe` and before a reload: connects, logs in, asks who it is. */
import type { Address } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import { connectFailure, formatAddress } from '../../net/index.ts'
import type { EndpointProbe, ProbeReport } from '../../protocol.ts'
import { NO_MYSQL, nextStep, SECRET } from './advice.ts'
import { ControlConnection, ControlError, type ControlTarget } from './control.ts'
import { readGreeting } from './read-greeting.ts'
import { productOf, readServerFacts, type ServerFacts } from './server-facts.ts'

type Failure = NonNullable<EndpointProbe['failure']>

export interface ProbeTarget extends Omit<ControlTarget, 'address' | 'username' | 'password'> {
  /** Without it nobody can log in but clients, and only the greeting is looked at. */
  readonly account: { readonly username: string; readonly password: () => Promise<string> } | undefined
}

/** Looks at every address; ok when one can be used. Never rejects. */
export async function probe(addresses: readonly Address[], target: ProbeTarget): Promise<ProbeReport> {
  const endpoints = await Promise.all(addresses.map(address => probeEndpoint(address, target)))
  return { ok: endpoints.some(endpoint => endpoint.ok), endpoints }
}

async function probeEndpoint(address: Address, { account, tls, timeoutMs }: ProbeTarget): Promise<EndpointProbe> {
  const where = formatAddress(address)
  let connection: ControlConnection | undefined
  try {
    if (!account) return { address: where, ok: true, ...(await greet(address, timeoutMs)) }
    const password = await account.password().catch(error => {
      throw new ControlError('authenticate', SECRET, (error as Error).message)
    })
    connection = await ControlConnection.open({ address, tls, timeoutMs, username: account.username, password })
    const facts = await readServerFacts(connection)
    const started = performance.now()
    await connection.query('DO 0')
    const latencyMs = performance.now() - started
    return { address: where, ok: true, latencyMs, ...describe(facts, connection.tls ?? 'no') }
  } catch (error) {
    return { address: where, ok: false, failure: explain(error as ProxyError, tls !== undefined) }
  } finally {
    connection?.close()
  }
}

async function greet(address: Address, timeoutMs: number): Promise<Pick<EndpointProbe, 'version' | 'facts'>> {
  const { serverVersion } = await readGreeting(address, timeoutMs)
  const version = productOf(new Map([['version', serverVersion]]))
  return { version, facts: { login: 'not tried: this backend has no credentials, clients log in with their own' } }
}

function describe({ product, readOnly, replication, variables, connections }: ServerFacts, tls: string) {
  const used = connections === undefined ? '' : `, ${connections} in use`
  const limits = ['max_prepared_stmt_count', 'max_allowed_packet', 'wait_timeout'] as const
  return {
    version: product,
    topology: [roleOf(replication, readOnly), readOnly ? 'read-only' : 'read-write'].join(', '),
    facts: {
      TLS: tls,
      ...(replication && { replication: describeReplication(replication) }),
      max_connections: `${variables.get('max_connections') ?? 'unknown'}${used}`,
      ...Object.fromEntries(limits.flatMap(name => (variables.has(name) ? [[name, variables.get(name)!]] : []))),
      ...(variables.get('wsrep_on') === 'ON' && { Galera: 'yes' }),
    },
  }
}

function roleOf(replication: ServerFacts['replication'], readOnly: boolean): string {
  if (replication) return `replica of ${replication.source}`
  // A cloud's replica may be one below the sight of SQL.
  if (readOnly) return 'role unknown'
  return replication === null ? 'primary' : 'primary or replica: the account may not see'
}

function describeReplication({ running, lagSeconds }: NonNullable<ServerFacts['replication']>): string {
  if (!running) return 'stopped'
  return lagSeconds === null ? 'running, lag unknown' : `running, ${lagSeconds} s behind`
}

function explain(error: ProxyError, tls: boolean): Failure {
  if (!(error instanceof ControlError)) {
    return connectFailure(error) ?? { stage: 'connect', cause: error.message, next: NO_MYSQL }
  }
  const { stage, code, message, number } = error
  return { stage, cause: message, next: nextStep({ code, number }, tls) ?? NO_MYSQL }
}
