/** Looks at a MySQL backend for `check --probe` and before a reload: connects, logs in, asks who it is. */
import type { Address } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import { connectFailure, formatAddress } from '../../net/index.ts'
import type { EndpointProbe, ProbeReport } from '../../protocol.ts'
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

/** Our own code for a secret that cannot be read. */
const SECRET = 'secret'

/** What to do about the server's refusals, by error number. */
const REFUSALS: Readonly<Record<number, string>> = {
  1040: 'the server has no connection left: close some, or raise its max_connections',
  1045: 'check credentials.username and credentials.password of this backend, and that the account may log in from this host',
  1129: 'let an administrator of the server run FLUSH HOSTS',
  1130: "the server knows no account for this host: create it as 'user'@'host' or 'user'@'%'",
  1203: 'the account has no connection left: close some, or raise its max_user_connections',
  1226: 'the account has reached a limit of its own (SHOW GRANTS): wait, or raise it',
  1698: 'give this backend credentials.password, or an account that logs in with a password',
  1820: 'set a new password for the account: this one has expired',
  1862: 'set a new password for the account: this one has expired',
  3118: 'let an administrator of the server unlock the account',
  3159: 'the server wants TLS: give this backend `tls: {}`',
  4151: 'let an administrator of the server unlock the account',
}

/** And about what is no refusal, by code. */
const CAUSES: Readonly<Record<string, string>> = {
  'upstream-auth-plugin':
    'let the account have a password of caching_sha2_password or mysql_native_password; in clear it goes over TLS only',
  [SECRET]:
    'see credentials.password of this backend; the secret must be there for the process and user that run Portolan',
}

const OTHER = 'see whether a MySQL-compatible server listens on this address, and what its error log says'

function explain(error: ProxyError, tls: boolean): Failure {
  if (!(error instanceof ControlError)) {
    return connectFailure(error) ?? { stage: 'connect', cause: error.message, next: OTHER }
  }
  const { stage, code, message, number } = error
  const next = (number === undefined ? CAUSES[code] : REFUSALS[number]) ?? OTHER
  // To an account that REQUIREs TLS the server says no more than this.
  const hint = number === 1045 && !tls ? '; if the server or the account requires TLS, give this backend `tls: {}`' : ''
  return { stage, cause: message, next: next + hint }
}
