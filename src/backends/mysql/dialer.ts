/** Opens connections to the servers of a backend: dials, logs in, and notes at the endpoint how that went. */
import { randomInt } from 'node:crypto'
import { ProtocolError } from '../../../codecs/codec.ts'
import { type Capabilities, capabilityKey, decodeGreeting, type Greeting } from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import { type ClientTls, connected, type Endpoint, Intake, RelayBuffers } from '../../net/index.ts'
import type { Runtime } from '../../protocol.ts'
import { Call } from './call.ts'
import { type LoggedIn, logIn, receiveGreeting } from './handshake.ts'
import type { Member } from './member.ts'
import type { MysqlBackendOptions } from './options.ts'
import type { OwnAccount } from './own-account.ts'
import { PacketWire } from './packet-wire.ts'
import { refusesAccount, ServerRefusal } from './server-refusal.ts'
import { type SessionSetup, setUp } from './session-setup.ts'
import type { Purpose } from './topology.ts'
import { Trouble } from './trouble.ts'
import { Upstream } from './upstream.ts'
import type { Account, Home } from './upstream-parties.ts'

/** Who a client is at the backend, and what its connection must be like. */
export interface Identity {
  /** At the listener; also at the backend when that has no credentials of its own. */
  readonly username: string
  readonly password: string
  readonly capabilities: Capabilities
  readonly collation: number
  /** The backend's at the login: rights and defaults of connections are those of that time, or later. */
  readonly generation: number
}

export interface DialWish {
  readonly identity: Identity
  readonly purpose: Purpose
  readonly schema: string | null
  /** Counts as one of the pool's. */
  readonly pooled: boolean
}

export interface DialerParts {
  readonly name: string
  readonly options: MysqlBackendOptions
  readonly runtime: Runtime
  readonly own: OwnAccount | null
  readonly tls: ClientTls | undefined
  /** Servers are asked to tell the GTIDs of what clients write. */
  readonly tracksGtids: boolean
}

const KEEP_ALIVE_MS = 60_000
/** Of max_prepared_stmt_count. */
const STATEMENT_SHARE = 0.9

export class Dialer {
  /** Of the server that was reached last; null while none was. */
  greeting: Greeting | null = null
  /** Why the last attempt failed; null when it did not. */
  lastError: ProxyError | null = null
  readonly #parts: DialerParts
  readonly #home: Home
  readonly #buffers = new RelayBuffers()
  readonly #ok: { value: number }
  readonly #failed: { value: number }
  readonly #trouble: Trouble
  #warned = false

  constructor(parts: DialerParts, home: Home) {
    this.#parts = parts
    this.#home = home
    const { name: backend, runtime } = parts
    this.#ok = runtime.metrics.cell('portolan_upstream_connects_total', { backend, outcome: 'ok' })
    this.#failed = runtime.metrics.cell('portolan_upstream_connects_total', { backend, outcome: 'failed' })
    this.#trouble = new Trouble(runtime.logger, { hasAccount: parts.own !== null, tls: parts.tls !== undefined })
  }

  /** There is an account of our own; else clients log in with what they have. */
  get hasAccount(): boolean {
    return this.#parts.own !== null
  }

  /** What connections with the same key have in common, whichever server they lead to. */
  keyOf({ username, capabilities, collation, generation }: Identity, purpose: Purpose): string {
    const account = this.#parts.own ? '' : username
    return `${purpose}\0${generation}\0${account}\0${capabilityKey(capabilities)}\0${collation}`
  }

  /** Connects and logs in. Rejects with ProxyError. */
  async dial(member: Member, { identity, purpose, schema, pooled }: DialWish): Promise<Upstream> {
    const { endpoint } = member
    const { options, tls, tracksGtids } = this.#parts
    const account = await this.#account(identity)
    const wire = await this.#connect(endpoint)
    let loggedIn: LoggedIn
    let session: SessionSetup
    try {
      ;[loggedIn, session] = await this.#within(wire, async () => {
        const way = { address: endpoint.address, tls, compression: options.compression }
        const result = await logIn(wire, { ...identity, ...account, schema }, way)
        return [result, await setUp(wire, result.capabilities, tracksGtids)]
      })
    } catch (error) {
      wire.socket.destroy()
      endpoint.connections--
      throw this.#noteFailure(endpoint, error)
    }
    this.#noteSuccess(endpoint, loggedIn.greeting)
    const { stream, intake } = wire.release()
    return new Upstream(
      stream,
      intake,
      {
        group: this.keyOf(identity, purpose),
        member,
        purpose,
        account,
        generation: identity.generation,
        threadId: loggedIn.greeting.connectionId,
        capabilities: loggedIn.capabilities,
        clientCapabilities: identity.capabilities,
        baseline: session.baseline,
        setup: session.statement,
        gtids: session.gtids,
        expiresAt: this.#home.now() + options.pool.maxLifetime * (0.9 + randomInt(200) / 1000),
        maxStatements: this.#maxStatements(session.maxPreparedStatements),
        schema,
        pooled,
      },
      this.#home,
    )
  }

  /** Connects for a client that logs in itself. Rejects with ProxyError. */
  async call(member: Member): Promise<Call> {
    const { tls, options } = this.#parts
    const { endpoint } = member
    const wire = await this.#connect(endpoint)
    try {
      const greeting = await this.#within(wire, () => receiveGreeting(wire))
      this.#noteSuccess(endpoint, greeting)
      const way = { address: endpoint.address, tls, compression: 'none' } as const
      return new Call({ wire, greeting, member, way, maxStatements: options.pool.maxStatements })
    } catch (error) {
      wire.socket.destroy()
      endpoint.connections--
      throw this.#noteFailure(endpoint, error)
    }
  }

  /** Connects for the greeting only, which is all that can be had without an account. Rejects with ProxyError. */
  async greet(endpoint: Endpoint): Promise<void> {
    const wire = await this.#connect(endpoint)
    try {
      const payload = await this.#within(wire, () => wire.read())
      this.#noteSuccess(endpoint, decodeGreeting(payload, 0, payload.length))
    } catch (error) {
      throw this.#noteFailure(endpoint, error)
    } finally {
      wire.socket.destroy()
      endpoint.connections--
    }
  }

  async #connect(endpoint: Endpoint): Promise<PacketWire> {
    const { tls, options } = this.#parts
    const intake = new Intake(this.#buffers)
    endpoint.circuit.begin()
    endpoint.connections++
    try {
      const socket = await connected({
        address: endpoint.address,
        connectTimeoutMs: options.connectTimeout,
        keepAliveMs: KEEP_ALIVE_MS,
        ...(tls ? {} : { onread: intake.onread }),
      })
      return new PacketWire(socket, tls ? undefined : intake)
    } catch (error) {
      endpoint.connections--
      throw this.#noteFailure(endpoint, error)
    }
  }

  /** The conversation of a login has a deadline. */
  async #within<Result>(wire: PacketWire, talk: () => Promise<Result>): Promise<Result> {
    const { runtime, options } = this.#parts
    const cancel = runtime.clock.after(options.connectTimeout, () =>
      wire.fail(
        new ProxyError('upstream-login-timeout', 'the backend accepted the connection but the login did not end', {
          source: 'upstream',
          retryable: true,
        }),
      ),
    )
    try {
      return await talk()
    } finally {
      cancel()
    }
  }

  async #account({ username, password }: Identity): Promise<Account> {
    const { own } = this.#parts
    if (!own) return { username, password }
    try {
      return { username: own.username, password: await own.password() }
    } catch (error) {
      if (error instanceof ProxyError) this.#trouble.tell(error)
      throw error
    }
  }

  /** All connections together have to stay below the server's limit, which others need too. */
  #maxStatements(serverMax: number): number {
    const { options, name, runtime } = this.#parts
    const { max, maxStatements } = options.pool
    const share = Math.max(1, Math.floor((serverMax * STATEMENT_SHARE) / max))
    if (share >= maxStatements) return maxStatements
    if (!this.#warned) {
      runtime.logger.warn(
        { backend: name, max_prepared_stmt_count: serverMax, connections: max, maxStatements, used: share },
        "fewer prepared statements are kept than pool.maxStatements says, to stay below the server's limit",
      )
    }
    this.#warned = true
    return share
  }

  #noteSuccess(endpoint: Endpoint, greeting: Greeting): void {
    endpoint.circuit.succeeded()
    endpoint.health = 'up'
    endpoint.lastError = undefined
    this.greeting = greeting
    this.lastError = null
    this.#trouble.over()
    this.#ok.value++
  }

  #noteFailure(endpoint: Endpoint, cause: unknown): ProxyError {
    const error = this.#asProxyError(cause)
    this.#failed.value++
    // A wrong password or database is no fault of the endpoint.
    if (error instanceof ServerRefusal) {
      endpoint.circuit.succeeded()
      if (refusesAccount(error.serverCode)) this.#parts.own?.expire()
    } else {
      endpoint.circuit.failed()
      endpoint.lastError = error.message
    }
    this.lastError = error
    this.#trouble.tell(error)
    return error
  }

  #asProxyError(error: unknown): ProxyError {
    if (error instanceof ServerRefusal)
      return this.#parts.own && refusesAccount(error.serverCode) ? error.ofOwnAccount() : error
    if (error instanceof ProxyError) return error
    if (!(error instanceof ProtocolError)) throw error
    return new ProxyError('upstream-protocol', `the backend does not answer as MySQL does: ${error.message}`, {
      source: 'upstream',
      cause: error,
    })
  }
}
