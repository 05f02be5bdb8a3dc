/** A connection on which a client logs in itself (relay): the server's questions and the client's answers pass. */
import {
  type Capabilities,
  CLIENT_CONNECT_ATTRS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_SSL,
  CLIENT_TRANSACTIONS,
  encodeLogin,
  type Greeting,
  HOP_LOCAL,
  intersection,
  type Login,
} from '../../../codecs/mysql/index.ts'
import { startTls, type Way } from './handshake.ts'
import type { Member } from './member.ts'
import type { PacketWire } from './packet-wire.ts'
import { Upstream } from './upstream.ts'
import type { Home, UpstreamFacts } from './upstream-parties.ts'

/** Of this hop, whatever the client has on its own. */
const OWN =
  (CLIENT_PROTOCOL_41 |
    CLIENT_RESERVED2 |
    CLIENT_TRANSACTIONS |
    CLIENT_PLUGIN_AUTH |
    CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
    CLIENT_CONNECT_ATTRS) >>>
  0

export interface CallParts {
  readonly wire: PacketWire
  readonly greeting: Greeting
  readonly member: Member
  readonly way: Way
  readonly maxStatements: number
}

export class Call {
  readonly greeting: Greeting
  readonly wire: PacketWire
  /** Nobody can read along behind us: TLS, or a unix socket. */
  readonly isSecure: boolean
  readonly #parts: CallParts
  #capabilities: Capabilities
  #isOver = false

  constructor(parts: CallParts) {
    const { greeting, wire, way } = parts
    this.#parts = parts
    this.greeting = greeting
    this.wire = wire
    this.isSecure = way.tls !== undefined || 'path' in way.address
    this.#capabilities = greeting.capabilities
  }

  /** Sends the client's login on, over TLS if this hop has it. Rejects with ProxyError. */
  async logIn(login: Login): Promise<void> {
    const { wire, greeting, way } = this.#parts
    const { low, mariadb } = login.capabilities
    const wanted = { low: ((low & ~HOP_LOCAL.low) | OWN) >>> 0, mariadb }
    this.#capabilities = intersection(wanted, greeting.capabilities)
    const tls = way.tls ? CLIENT_SSL : 0
    const ours = { ...login, capabilities: { ...this.#capabilities, low: (this.#capabilities.low | tls) >>> 0 } }
    if (way.tls) await startTls(wire, greeting, ours, way)
    wire.write(encodeLogin(wire.sequence, ours))
  }

  /** The server has said OK: a connection that is this client's alone. */
  connect(schema: string | null, home: Home): Upstream {
    this.#isOver = true
    const { member, greeting, maxStatements } = this.#parts
    const { stream, intake } = this.wire.release()
    const facts: UpstreamFacts = {
      group: '',
      member,
      purpose: 'write',
      account: null,
      generation: 0,
      threadId: greeting.connectionId,
      capabilities: this.#capabilities,
      clientCapabilities: this.#capabilities,
      baseline: new Map(),
      setup: '',
      gtids: null,
      expiresAt: Number.POSITIVE_INFINITY,
      maxStatements,
      schema,
      pooled: false,
    }
    return new Upstream(stream, intake, facts, home)
  }

  /** The client has not come in. */
  hangUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.wire.socket.destroy()
    this.#parts.member.endpoint.connections--
  }
}
