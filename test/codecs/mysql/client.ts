/**
 * A client made of the codec alone, for tests: logs in by ClientAuth, sends commands and follows what answers them with
 * the response tracker. It keeps what a client would be sent, packet by packet, so that the tracker can be checked.
 */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  type Capabilities,
  CLIENT_COMPRESS,
  CLIENT_SSL,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  ClientAuth,
  COM_QUERY,
  COMMAND_LIMITS,
  CompressedReader,
  CompressedWriter,
  type CompressionAlgorithm,
  decodeErr,
  decodeGreeting,
  type ErrorPacket,
  encodeLogin,
  encodePacket,
  encodeSslRequest,
  type Greeting,
  intersection,
  isClientPlugin,
  type Login,
  OkPacket,
  PacketScan,
  PacketScanner,
  ResponseTracker,
  type SessionTrackerSink,
} from '../../../codecs/mysql/index.ts'

export interface Address {
  readonly host?: string
  readonly port?: number
  readonly socketPath?: string
  readonly user?: string
  readonly password?: string
  readonly database?: string
}

export interface ClientOptions {
  readonly capabilities: Capabilities
  readonly tls?: boolean
  /** The plugin that the login names; the greeting's if it is left out. */
  readonly plugin?: string
  /** Asks for the server's key if it takes one; so by default. */
  readonly requestPublicKey?: boolean
  readonly publicKey?: string
}

/** What a response brought, as a client would be sent it. */
export interface Reply {
  readonly tracker: ResponseTracker
  /** Payloads, in order. */
  readonly packets: readonly Buffer[]
  /** What the server sent. */
  readonly raw: Buffer
}

export class LoginRefused extends Error {
  readonly packet: ErrorPacket

  constructor(packet: ErrorPacket) {
    super(packet.message)
    this.packet = packet
  }
}

/** Bytes of a socket, asked for. */
class Source {
  /** While frames are in use. */
  reader: CompressedReader | undefined
  readonly #chunks: Buffer[] = []
  #wake: (() => void) | undefined
  #error: Error | undefined

  constructor(socket: Socket) {
    socket.on('data', chunk => {
      if (this.reader) this.reader.write(chunk, 0, chunk.length)
      else this.#chunks.push(chunk)
      this.#wake?.()
    })
    const end = (error: Error) => {
      this.#error ??= error
      this.#wake?.()
    }
    socket.on('error', end)
    socket.on('close', () => end(new Error('the server has closed the connection')))
  }

  async next(): Promise<Buffer> {
    while (this.#chunks.length === 0) {
      if (this.#error) throw this.#error
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#chunks.shift()!
  }

  decompress(algorithm: CompressionAlgorithm): void {
    this.reader = new CompressedReader(algorithm, bytes => this.#chunks.push(Buffer.from(bytes)) > 0)
  }

  unread(bytes: Buffer): void {
    if (bytes.length > 0) this.#chunks.unshift(bytes)
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }
}

export class Client implements SessionTrackerSink {
  readonly greeting: Greeting
  readonly capabilities: Capabilities
  readonly tracker: ResponseTracker
  /** What the session trackers told, such as `variable autocommit=OFF`; the tests empty it. */
  readonly told: string[] = []
  #socket: Socket
  #source: Source
  #writer: CompressedWriter | undefined

  private constructor(socket: Socket, source: Source, greeting: Greeting, capabilities: Capabilities) {
    this.#socket = socket
    this.#source = source
    this.greeting = greeting
    this.capabilities = capabilities
    this.tracker = new ResponseTracker(capabilities, this)
  }

  static async login(address: Address, options: ClientOptions): Promise<Client> {
    const { user = 'app', password = 'app', database = '' } = address
    const socketOptions = address.socketPath ? { path: address.socketPath } : { host: '127.0.0.1', port: 0, ...address }
    let socket: Socket = connectTcp(socketOptions)
    let source = new Source(socket)
    try {
      const first = await readPacket(source)
      if (first.payload[0] === 0xff) throw new LoginRefused(decodeErr(first.payload, 0, first.payload.length))
      const greeting = decodeGreeting(first.payload, 0, first.payload.length)
      const wanted = options.tls
        ? { ...options.capabilities, low: options.capabilities.low | CLIENT_SSL }
        : options.capabilities
      const capabilities = intersection(wanted, greeting.capabilities)
      const plugin = options.plugin ?? greeting.authPlugin
      const login: Login = {
        capabilities,
        maxPacketBytes: 0x100_0000,
        collation: 45,
        user,
        proof: Buffer.alloc(0),
        database,
        authPlugin: plugin,
        attributes: [['_client_name', 'portolan-test']],
        zstdLevel: 3,
      }
      let sequence = 1
      if (options.tls) {
        socket.write(encodeSslRequest(sequence++, login))
        socket.removeAllListeners('data')
        const tls = connectTls({ socket, rejectUnauthorized: false })
        socket = tls
        source = new Source(tls)
      }
      const { publicKey, requestPublicKey = true } = options
      const secure = options.tls === true || address.socketPath !== undefined
      const auth = new ClientAuth({ password, secure, publicKey, requestPublicKey })
      const proof = isClientPlugin(plugin) ? auth.begin(plugin, greeting.scramble) : Buffer.alloc(0)
      socket.write(encodeLogin(sequence, { ...login, proof }))
      const client = new Client(socket, source, greeting, capabilities)
      for (;;) {
        const { payload, sequence } = await readPacket(source)
        if (payload[0] === 0xff) throw new LoginRefused(decodeErr(payload, 0, payload.length))
        if (payload[0] === 0) {
          client.#compress()
          client.tracker.status = new OkPacket().read(payload, 0, payload.length).status
          return client
        }
        const answer = await auth.answer(payload, 0, payload.length)
        if (answer !== null) socket.write(encodePacket(sequence + 1, answer))
      }
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** One command; `interact` is asked for the client's part while the server waits for it. */
  async command(
    payload: Uint8Array,
    clientStatementId = 0,
    interact?: (tracker: ResponseTracker) => Buffer | Promise<Buffer>,
  ): Promise<Reply> {
    this.send(payload)
    return this.receive(payload[0]!, clientStatementId, interact)
  }

  async query(sql: string): Promise<Reply> {
    return this.command(Buffer.concat([Buffer.of(COM_QUERY), Buffer.from(sql)]))
  }

  /** As `query`, and an error is thrown. */
  async run(sql: string): Promise<Reply> {
    const reply = await this.query(sql)
    if (reply.tracker.error) throw new Error(`${sql.slice(0, 200)}: ${reply.tracker.error.message}`)
    return reply
  }

  send(payload: Uint8Array): void {
    this.#write(encodePacket(0, payload), 0)
  }

  /** Bytes as they are, framed or not. */
  sendRaw(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The sequence id is that of the first frame, if frames are in use. */
  #write(bytes: Buffer, sequence: number): void {
    if (!this.#writer) {
      this.#socket.write(bytes)
      return
    }
    this.#writer.nextSequence = sequence & 0xff
    for (const part of this.#writer.encode(bytes)) this.#socket.write(part)
  }

  #compress(): void {
    const { low } = this.capabilities
    if ((low & (CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION_ALGORITHM)) === 0) return
    // A server that has been offered both takes zlib.
    const algorithm = (low & CLIENT_COMPRESS) === 0 ? 'zstd' : 'zlib'
    this.#writer = new CompressedWriter({ algorithm, level: 3 })
    this.#source.decompress(algorithm)
  }

  async receive(
    command: number,
    clientStatementId = 0,
    interact?: (tracker: ResponseTracker) => Buffer | Promise<Buffer>,
  ): Promise<Reply> {
    const { tracker } = this
    tracker.begin(command, clientStatementId)
    const parts: Buffer[] = []
    const raw: Buffer[] = []
    while (!tracker.ended) {
      const bytes = Buffer.from(await this.#source.next())
      const untouched = Buffer.from(bytes)
      let at = 0
      while (at < bytes.length && !tracker.ended) {
        const next = tracker.write(bytes, at, bytes.length)
        if (tracker.passEnd > at) parts.push(bytes.subarray(at, tracker.passEnd))
        if (tracker.insert) parts.push(tracker.insert)
        at = next
      }
      raw.push(untouched.subarray(0, at))
      this.#source.unread(bytes.subarray(at))
      if (tracker.awaiting !== 'server' && at === bytes.length) {
        if (!interact) throw new Error(`the server awaits ${tracker.awaiting}`)
        this.#write(await interact(tracker), (this.#source.reader?.sequence ?? 0) + 1)
      }
    }
    return { tracker, raw: Buffer.concat(raw), packets: packetsOf(Buffer.concat(parts), interact === undefined) }
  }

  /** Bytes have come that belong to no response. */
  get hasMore(): boolean {
    return !this.#source.isEmpty
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Resolves when the server has ended the connection. */
  async closed(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close')
  }

  onVariable(name: string, value: string | null): void {
    this.told.push(`variable ${name}=${value}`)
  }

  onSchema(name: string): void {
    this.told.push(`schema ${name}`)
  }

  onStateChange(): void {
    this.told.push('state')
  }

  onGtids(gtids: string): void {
    this.told.push(`gtids ${gtids}`)
  }

  onTransactionCharacteristics(statements: string): void {
    this.told.push(`characteristics ${statements}`)
  }

  onTransactionState(state: string): void {
    this.told.push(`transaction ${state}`)
  }
}

async function readPacket(source: Source): Promise<{ payload: Buffer; sequence: number }> {
  const scanner = new PacketScanner()
  let bytes = await source.next()
  for (;;) {
    scanner.nextSequence = bytes[3] ?? 0
    if (scanner.scan(bytes, 0, bytes.length, COMMAND_LIMITS) === PacketScan.WHOLE) break
    bytes = Buffer.concat([bytes, await source.next()])
  }
  source.unread(bytes.subarray(scanner.payloadEnd))
  return { payload: bytes.subarray(scanner.payloadStart, scanner.payloadEnd), sequence: scanner.sequence }
}

/** Payloads of whole packets, those that are continued put together. Throws when a packet is cut, or out of order. */
export function packetsOf(bytes: Buffer, inOrder = true): Buffer[] {
  const packets: Buffer[] = []
  let parts: Buffer[] = []
  let due: number | undefined
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntLE(at, 3)
    const sequence = bytes[at + 3]!
    if (inOrder && due !== undefined && sequence !== due) throw new Error(`sequence id ${sequence} instead of ${due}`)
    due = (sequence + 1) & 0xff
    at += 4
    if (at + length > bytes.length) throw new Error('a packet is cut')
    parts.push(bytes.subarray(at, at + length))
    at += length
    if (length < 0xff_ffff) {
      packets.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
      parts = []
    }
  }
  return packets
}
