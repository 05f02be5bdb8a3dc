/** Logs in at a server: greeting, TLS, and the account's proof by whatever plugin the server wants. */
import type { Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import {
  type Capabilities,
  CLIENT_COMPRESS,
  CLIENT_CONNECT_ATTRS,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_RESERVED2,
  CLIENT_SESSION_TRACK,
  CLIENT_SSL,
  CLIENT_TRANSACTIONS,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  ClientAuth,
  COMPRESSION_LEVELS,
  type CompressionAlgorithm,
  collationAt,
  decodeErr,
  decodeGreeting,
  ERR_HEADER,
  encodeLogin,
  encodePacket,
  encodeSslRequest,
  type Greeting,
  HOP_LOCAL,
  intersection,
  isClientPlugin,
  type Login,
  NATIVE_PASSWORD,
  OK_HEADER,
} from '../../../codecs/mysql/index.ts'
import type { Address } from '../../config/index.ts'
import { ProxyError } from '../../errors.ts'
import type { ClientTls } from '../../net/index.ts'
import type { PacketWire } from './packet-wire.ts'
import { ServerRefusal } from './server-refusal.ts'

/** Who logs in, and what for. */
export interface Wish {
  readonly username: string
  readonly password: string
  /** What the client understands and wants. */
  readonly capabilities: Capabilities
  readonly collation: number
  readonly schema: string | null
}

export interface LoggedIn {
  readonly greeting: Greeting
  /** What both sides have agreed on. */
  readonly capabilities: Capabilities
}

/** How a server is reached. */
export interface Way {
  readonly address: Address
  readonly tls: ClientTls | undefined
  readonly compression: 'none' | CompressionAlgorithm
}

const COMPRESSION_FLAGS: Readonly<Record<Way['compression'], number>> = {
  none: 0,
  zlib: CLIENT_COMPRESS,
  zstd: CLIENT_ZSTD_COMPRESSION_ALGORITHM,
}

/** What we want for ourselves, whatever the client wants. */
const OWN = {
  low:
    (CLIENT_PROTOCOL_41 |
      CLIENT_RESERVED2 |
      CLIENT_TRANSACTIONS |
      CLIENT_PLUGIN_AUTH |
      CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
      CLIENT_CONNECT_ATTRS |
      CLIENT_SESSION_TRACK) >>>
    0,
  mariadb: 0,
}
const MAX_PACKET_BYTES = 0x4000_0000

/** Rejects with ServerRefusal, ProxyError or ProtocolError; the wire is then of no use. */
export async function logIn(wire: PacketWire, wish: Wish, { address, tls, compression }: Way): Promise<LoggedIn> {
  const greeting = await receiveGreeting(wire)
  const capabilities = agree(greeting.capabilities, wish.capabilities, compression)
  const login: Login = {
    capabilities: tls ? { ...capabilities, low: (capabilities.low | CLIENT_SSL) >>> 0 } : capabilities,
    maxPacketBytes: MAX_PACKET_BYTES,
    collation: collationAt(greeting.serverVersion, wish.collation),
    user: wish.username,
    proof: Buffer.alloc(0),
    database: wish.schema ?? '',
    authPlugin: greeting.authPlugin,
    attributes: [
      ['_client_name', 'portolan'],
      ['program_name', 'portolan'],
    ],
    zstdLevel: COMPRESSION_LEVELS.zstd,
  }
  if (tls) await startTls(wire, greeting, login, { address, tls })
  const isSecure = wire.secure || 'path' in address
  await prove(wire, login, greeting, wish.password, isSecure)
  if (compression !== 'none') wire.compress({ algorithm: compression, level: COMPRESSION_LEVELS[compression] })
  return { greeting, capabilities }
}

/** Rejects with ServerRefusal for an ERR packet in its place. */
export async function receiveGreeting(wire: PacketWire): Promise<Greeting> {
  const payload = await read(wire)
  return decodeGreeting(payload, 0, payload.length)
}

/** The next payload. Rejects with ServerRefusal for an ERR packet. */
export async function read(wire: PacketWire): Promise<Buffer> {
  const payload = await wire.read()
  if (payload[0] !== ERR_HEADER) return payload
  const { code, sqlState, message } = decodeErr(payload, 0, payload.length)
  throw new ServerRefusal(code, sqlState, message)
}

/** Asks for TLS, and continues over it. Rejects with ProxyError. */
export async function startTls(
  wire: PacketWire,
  greeting: Greeting,
  login: Login,
  { address, tls }: Pick<Way, 'address' | 'tls'>,
): Promise<void> {
  if ((greeting.capabilities.low & CLIENT_SSL) === 0) {
    throw new ProxyError('upstream-tls', 'the backend offers no TLS; leave out `tls`, or enable TLS there', {
      source: 'upstream',
    })
  }
  wire.write(encodeSslRequest(wire.sequence, login))
  await wire.secureBy(plain => secure(plain, tls!, address))
}

function secure(plain: Socket, tls: ClientTls, address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ ...tls.options(address), socket: plain })
    const fail = (cause?: Error) => {
      const why = cause?.message ?? 'the backend closed the connection'
      reject(
        new ProxyError('upstream-tls', `TLS with the backend failed: ${why}`, {
          source: 'upstream',
          retryable: true,
          cause,
        }),
      )
    }
    socket.once('error', fail)
    socket.once('close', () => fail())
    socket.once('secureConnect', () => {
      socket.removeAllListeners('error').removeAllListeners('close')
      resolve(socket)
    })
  })
}

function agree(server: Capabilities, client: Capabilities, compression: Way['compression']): Capabilities {
  const wanted = {
    low: ((client.low & ~HOP_LOCAL.low) | OWN.low | COMPRESSION_FLAGS[compression]) >>> 0,
    mariadb: client.mariadb,
  }
  const agreed = intersection(wanted, server)
  if ((agreed.low & COMPRESSION_FLAGS[compression]) === COMPRESSION_FLAGS[compression]) return agreed
  throw new ProxyError('upstream-compression', `the backend offers no ${compression}; leave out \`compression\``, {
    source: 'upstream',
  })
}

/** Rounds of whatever the server's plugin asks for, until it says OK. */
async function prove(
  wire: PacketWire,
  login: Login,
  greeting: Greeting,
  password: string,
  isSecure: boolean,
): Promise<void> {
  const auth = new ClientAuth({ password, secure: isSecure, requestPublicKey: true })
  const authPlugin = isClientPlugin(greeting.authPlugin) ? greeting.authPlugin : NATIVE_PASSWORD
  wire.write(encodeLogin(wire.sequence, { ...login, authPlugin, proof: auth.begin(authPlugin, greeting.scramble) }))
  for (;;) {
    const payload = await read(wire)
    if (payload[0] === OK_HEADER) return
    const answer = await auth.answer(payload, 0, payload.length)
    if (answer) wire.write(encodePacket(wire.sequence, answer))
  }
}
