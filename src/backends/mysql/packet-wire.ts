/** Packets of a login, one at a time, on either side: until the connection is handed over a promise per packet costs nothing. */
import type { Socket } from 'node:net'
import {
  type Compression,
  LOGIN_LIMITS,
  PACKET_HEADER_BYTES,
  PacketScan,
  PacketScanner,
} from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import type { ByteStream, Intake } from '../../net/index.ts'
import { CompressedStream } from './compressed-stream.ts'

/** What a login leaves. */
export interface Released {
  readonly stream: ByteStream
  readonly intake: Intake | undefined
  readonly early: Buffer
}

export class PacketWire {
  #socket: Socket
  /** Where packets are read and written: the socket, or what compresses before it. */
  #stream: ByteStream
  readonly #scanner = new PacketScanner()
  #input: Buffer = EMPTY
  #wake: (() => void) | null = null
  #failure: ProxyError | null = null
  #intake: Intake | undefined
  readonly #onData = (chunk: Buffer): void => {
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk])
    if (this.#input.length > MAX_AHEAD_BYTES) this.fail(FLOOD())
    else this.#wake?.()
  }
  readonly #onError = (cause: Error): void => this.fail(lost(cause))
  readonly #onClose = (): void => this.fail(lost(undefined))

  /** The intake is what a plain socket was created with; TLS has none. */
  constructor(socket: Socket, intake: Intake | undefined) {
    this.#socket = socket
    this.#stream = socket
    this.#intake = intake
    intake?.attach({
      push: (bytes, owned) => {
        this.#onData(owned ? bytes : Buffer.from(bytes))
        return true
      },
    })
    this.#listen()
  }

  get socket(): Socket {
    return this.#socket
  }

  get closed(): boolean {
    return this.#failure !== null
  }

  get secure(): boolean {
    return 'encrypted' in this.#socket
  }

  /** The sequence id that the next packet of ours has. */
  get sequence(): number {
    return this.#scanner.nextSequence
  }

  /** What has come and was not read yet. */
  get unread(): Buffer {
    return this.#input
  }

  /** The next payload. Rejects with ProxyError when the connection is lost, with ProtocolError. */
  async read(): Promise<Buffer> {
    for (;;) {
      if (this.#failure) throw this.#failure
      const input = this.#input
      const found = this.#scanner.scan(input, 0, input.length, LOGIN_LIMITS)
      if (found === PacketScan.WHOLE) {
        this.#input = input.subarray(this.#scanner.payloadEnd)
        return input.subarray(PACKET_HEADER_BYTES, this.#scanner.payloadEnd)
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Sends a whole packet, which has the sequence id that `sequence` tells. */
  write(packet: Buffer): void {
    this.#scanner.nextSequence = (packet[3]! + 1) & 0xff
    this.#stream.write(packet)
  }

  /** A new command begins. */
  restart(): void {
    this.#scanner.nextSequence = 0
  }

  /**
   * Continues over what the function makes of the plain socket. What has come behind the request for TLS is the beginning of
   * the handshake, as peers do not wait: it goes to TLS and nowhere else, so that nothing sent in the clear counts as secured.
   */
  async secureBy(upgrade: (plain: Socket) => Promise<Socket>): Promise<void> {
    const plain = this.#socket
    const early = this.#input
    this.#input = EMPTY
    plain.off('data', this.#onData)
    if (early.length > 0) plain.pause()
    if (early.length > 0) plain.unshift(early)
    plain.off('close', this.#onClose)
    this.#socket = await upgrade(plain)
    this.#stream = this.#socket
    if (this.#failure) throw this.#failure
    this.#intake = undefined
    this.#listen()
  }

  /** From now on packets travel compressed, in both directions. */
  compress(compression: Compression): void {
    this.#stream = this.#compressed(compression)
    this.#intake = undefined
    this.#scanner.renumbers = true
    this.#listen()
  }

  /**
   * Gives the connection up, paused and without listeners of ours; with `compression` the answer compresses, and what is
   * still written here does not. `early` is what has come already and nobody read, and `intake` what it is read with.
   */
  release(compression?: Compression): Released {
    if (compression) return { stream: this.#compressed(compression), intake: undefined, early: EMPTY }
    this.#unlisten()
    const early = this.#input
    this.#input = EMPTY
    return { stream: this.#stream, intake: this.#intake, early }
  }

  #compressed(compression: Compression): CompressedStream {
    this.#unlisten()
    const early = this.#input
    this.#input = EMPTY
    return new CompressedStream(this.#socket, { ...compression, intake: this.#intake, early })
  }

  #unlisten(): void {
    const stream = this.#stream
    stream.off('data', this.#onData)
    stream.off('error', this.#onError)
    stream.off('close', this.#onClose)
    stream.pause()
  }

  /** Ends the login with this error. */
  fail(error: ProxyError): void {
    this.#failure ??= error
    this.#socket.destroy()
    this.#wake?.()
  }

  #listen(): void {
    const stream = this.#stream
    if (!this.#intake) stream.on('data', this.#onData)
    stream.on('error', this.#onError)
    stream.on('close', this.#onClose)
  }
}

const EMPTY = Buffer.alloc(0)
/** A command behind the login may wait here, but not whatever somebody likes to send who has proved nothing. */
const MAX_AHEAD_BYTES = 1_048_576

const FLOOD = () =>
  new ProxyError('login-flood', 'too much was sent before the login was over', { source: 'downstream' })

function lost(cause: Error | undefined): ProxyError {
  return new ProxyError('upstream-lost', `the connection was closed in the login${cause ? `: ${cause.message}` : ''}`, {
    source: 'upstream',
    retryable: true,
    cause,
  })
}
