/** Packets of a login, one at a time, on either side: until the connection is handed over a promise per packet costs nothing. */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../../codecs/codec.ts'
import { LOGIN_LIMITS, PACKET_HEADER_BYTES, PacketScan, PacketScanner } from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'
import type { Intake } from '../../net/index.ts'

export class PacketWire {
  #socket: Socket
  readonly #scanner = new PacketScanner()
  #input: Buffer = Buffer.alloc(0)
  #wake: (() => void) | null = null
  #failure: ProxyError | null = null
  #intake: Intake | undefined
  readonly #onData = (chunk: Buffer): void => {
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk])
    this.#wake?.()
  }
  readonly #onError = (cause: Error): void => this.fail(lost(cause))
  readonly #onClose = (): void => this.fail(lost(undefined))

  /** The intake is what a plain socket was created with; TLS has none. */
  constructor(socket: Socket, intake: Intake | undefined) {
    this.#socket = socket
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
    this.#socket.write(packet)
  }

  /** A new command begins. */
  restart(): void {
    this.#scanner.nextSequence = 0
  }

  /** Continues over what the function makes of the plain socket. Rejects when bytes have come that nobody secured. */
  async secureBy(upgrade: (plain: Socket) => Promise<Socket>): Promise<void> {
    if (this.#input.length > 0)
      throw new ProtocolError('bytes-before-tls', 'bytes came in the clear behind the request for TLS')
    const plain = this.#socket
    plain.off('data', this.#onData)
    plain.off('close', this.#onClose)
    this.#socket = await upgrade(plain)
    if (this.#failure) throw this.#failure
    this.#intake = undefined
    this.#listen()
  }

  /** Gives the socket up. It is paused and has no listeners of ours. */
  release(): Socket {
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('error', this.#onError)
    socket.off('close', this.#onClose)
    socket.pause()
    return socket
  }

  /** Ends the login with this error. */
  fail(error: ProxyError): void {
    this.#failure ??= error
    this.#socket.destroy()
    this.#wake?.()
  }

  #listen(): void {
    if (!this.#intake) this.#socket.on('data', this.#onData)
    this.#socket.on('error', this.#onError)
    this.#socket.on('close', this.#onClose)
  }
}

function lost(cause: Error | undefined): ProxyError {
  return new ProxyError('upstream-lost', `the connection was closed in the login${cause ? `: ${cause.message}` : ''}`, {
    source: 'upstream',
    retryable: true,
    cause,
  })
}
