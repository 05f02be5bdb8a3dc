/** From an accepted connection to a session: everything up to the OK of the login, under one deadline. */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../codecs/codec.ts'
import {
  CACHING_SHA2_PASSWORD,
  type Capabilities,
  CLIENT_CAPABILITY_EXTENSION,
  CLIENT_COMPRESS,
  CLIENT_CONNECT_ATTRS,
  CLIENT_CONNECT_WITH_DB,
  CLIENT_MULTI_FACTOR_AUTHENTICATION,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_SSL,
  CLIENT_SSL_VERIFY_SERVER_CERT,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  COMPRESSION_LEVELS,
  type Compression,
  canCompress,
  decodeLogin,
  encodeErr,
  encodeGreeting,
  encodeOk,
  type Greeting,
  intersection,
  isSslRequest,
  MARIADB_CLIENT_CACHE_METADATA,
  MARIADB_CLIENT_COM_MULTI,
  NATIVE_PASSWORD,
  newScramble,
  SERVER_STATUS_AUTOCOMMIT,
  ServerErrors,
} from '../../codecs/mysql/index.ts'
import { type Call, type Identity, type MysqlBackend, PacketWire } from '../../src/backends/mysql/index.ts'
import { ProxyError } from '../../src/errors.ts'
import type { Intake } from '../../src/net/index.ts'
import { errorOf } from './errors.ts'
import { authenticate, type Challenge, LoginRefusal, type Questioner, refusalPacket } from './login.ts'
import { type Origin, originOf } from './origin.ts'
import { relayLogin } from './relay.ts'
import { databaseForbidden } from './rights.ts'
import type { User, Users } from './users.ts'

export interface Entrance {
  readonly backend: MysqlBackend
  readonly users: Users
  readonly requireTls: boolean
  readonly compression: boolean
  /** Clients log in at the server. */
  readonly relay: boolean
  /** Hears of what somebody has sent in the place of a login. */
  onStranger(bytes: Buffer): void
  /** Makes a plain socket a secure one; undefined when the listener has no certificate. */
  readonly secure: ((plain: Socket) => Promise<Socket>) | undefined
}

export interface Entrant {
  readonly wire: PacketWire
  readonly origin: Origin
  /** In use as soon as the login is over. */
  readonly compression: Compression | undefined
  readonly identity: Identity
  readonly user: User | null
  readonly challenge: Challenge
  /** Empty for none. */
  readonly database: string
  /** For the OK packet. */
  readonly info: Buffer
  /** The call on which the client has logged in at the server itself. */
  readonly call: Call | undefined
}

/** Concerns one hop, or what is not spoken here. */
const NOT_OFFERED =
  CLIENT_COMPRESS |
  CLIENT_ZSTD_COMPRESSION_ALGORITHM |
  CLIENT_SSL |
  CLIENT_MULTI_FACTOR_AUTHENTICATION |
  CLIENT_CAPABILITY_EXTENSION |
  CLIENT_SSL_VERIFY_SERVER_CERT
/**
 * The server leaves out columns that it has told before on the same connection, of the same statement: but not to the
 * client at hand, when connections and statements are shared.
 */
const NOT_OFFERED_BY_MARIADB = MARIADB_CLIENT_COM_MULTI | MARIADB_CLIENT_CACHE_METADATA
const ALWAYS_OFFERED =
  CLIENT_PLUGIN_AUTH | CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA | CLIENT_CONNECT_ATTRS | CLIENT_CONNECT_WITH_DB

/**
 * Lets a client in. Null when it has been told why not, and its socket is being closed; rejects for what is a bug. The OK
 * of the login is not sent yet.
 */
export async function enter(
  socket: Socket,
  intake: Intake | undefined,
  id: number,
  entrance: Entrance,
): Promise<Entrant | null> {
  const wire = new PacketWire(socket, intake)
  let call: Call | undefined
  try {
    const { backend, secure } = entrance
    if (entrance.relay) {
      call = await backend.call()
      socket.once('close', () => call!.hangUp())
    } else if (!backend.greeting) await backend.learn()
    const server = call?.greeting ?? { ...backend.greeting!, ...asked(id, backend.greeting!.authPlugin) }
    const offered = offer(entrance, server)
    const challenge = { plugin: server.authPlugin, scramble: Buffer.from(server.scramble) }
    wire.write(encodeGreeting({ ...server, capabilities: offered }))
    let payload = await wire.read()
    if (secure && isSslRequest(payload, 0, payload.length)) {
      await wire.secureBy(secure)
      payload = await wire.read()
    }
    const login = decodeLogin(payload, 0, payload.length)
    const origin = originOf(wire.socket)
    if (entrance.requireTls && !origin.isSecure) throw new LoginRefusal(ServerErrors.secureTransportRequired)
    const capabilities = intersection(login.capabilities, offered)
    if (call && !(await relayLogin(wire, call, { ...login, capabilities }, origin.isSecure))) {
      leave(wire, NOTHING)
      return null
    }
    const claim = { user: login.user, plugin: login.authPlugin, proof: login.proof, challenge }
    const { user, info } = call
      ? { user: null, info: NOTHING }
      : await authenticate(questioner(wire), claim, entrance.users, origin)
    checkDatabase(user, login.database)
    const identity = {
      username: login.user,
      password: user?.password ?? '',
      capabilities,
      collation: login.collation || backend.greeting!.collation,
      generation: backend.generation,
    }
    const compression = chosen(capabilities, login.zstdLevel)
    return { wire, origin, compression, identity, user, challenge, database: login.database, info, call }
  } catch (error) {
    call?.hangUp()
    if (error instanceof ProtocolError) entrance.onStranger(wire.unread)
    const packet =
      error instanceof ProxyError && !wire.closed
        ? encodeErr(wire.sequence, errorOf(error), undefined, { beforeGreeting: wire.sequence === 0 })
        : refusalPacket(wire.sequence, error)
    if (packet === null && !(error instanceof ProxyError)) throw error
    leave(wire, packet)
    return null
  }
}

function questioner(wire: PacketWire): Questioner {
  return {
    get sequence() {
      return wire.sequence
    },
    ask(question) {
      wire.write(question)
      return wire.read()
    },
    tell: packet => wire.write(packet),
  }
}

export function leave(wire: PacketWire, packet: Buffer | null): void {
  if (packet) wire.socket.end(packet)
  else wire.socket.destroy()
  wire.socket.resume()
}

export function loginOk(wire: PacketWire, info: Buffer, status = SERVER_STATUS_AUTOCOMMIT): void {
  wire.write(encodeOk(wire.sequence, { status, info }))
}

export function checkDatabase(user: User | null, database: string): void {
  const error = database === '' ? undefined : databaseForbidden(user, database)
  if (error) throw new LoginRefusal(error)
}

function offer({ secure, compression }: Entrance, server: Greeting): Capabilities {
  const { low, mariadb } = server.capabilities
  const zlib = compression ? CLIENT_COMPRESS : 0
  const zstd = compression && canCompress('zstd') ? CLIENT_ZSTD_COMPRESSION_ALGORITHM : 0
  return {
    low: ((low & ~NOT_OFFERED) | ALWAYS_OFFERED | zlib | zstd | (secure ? CLIENT_SSL : 0)) >>> 0,
    mariadb: (mariadb & ~NOT_OFFERED_BY_MARIADB) >>> 0,
  }
}

/** A client that has both takes zlib. */
function chosen({ low }: Capabilities, zstdLevel: number): Compression | undefined {
  if ((low & CLIENT_COMPRESS) !== 0) return { algorithm: 'zlib', level: COMPRESSION_LEVELS.zlib }
  if ((low & CLIENT_ZSTD_COMPRESSION_ALGORITHM) === 0) return undefined
  return { algorithm: 'zstd', level: Math.min(Math.max(1, zstdLevel), COMPRESSION_LEVELS.zstd) }
}

/** What we ask in a server's stead. Its plugin is named where clients expect it: of MariaDB they take no other for the first. */
function asked(connectionId: number, plugin: string): Pick<Greeting, 'connectionId' | 'scramble' | 'authPlugin'> {
  const authPlugin = plugin === NATIVE_PASSWORD ? NATIVE_PASSWORD : CACHING_SHA2_PASSWORD
  return { connectionId, scramble: newScramble(), authPlugin }
}

const NOTHING = Buffer.alloc(0)
