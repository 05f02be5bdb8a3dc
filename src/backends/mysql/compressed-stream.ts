/**
 * What stands before a socket once both sides have agreed on compression: packets go in and come out, frames travel. A frame
 * is unpacked when the one before it has been taken, so that no more than one waits; its size is bounded by its header
 * (16 MiB), which is checked. Sessions without compression know nothing of it.
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { CompressedReader, CompressedWriter, type Compression, PacketTurns } from '../../../codecs/mysql/index.ts'
import type { ByteStream, Intake } from '../../net/index.ts'

const READ_AHEAD_BYTES = 64 * 1024

export interface CompressedOptions extends Compression {
  /** What a plain socket was created with; TLS has none. */
  readonly intake: Intake | undefined
  /** What was read of the socket already. */
  readonly early: Buffer
}

export class CompressedStream extends Duplex implements ByteStream {
  readonly #socket: Socket
  readonly #intake: Intake | undefined
  readonly #reader: CompressedReader
  readonly #writer: CompressedWriter
  readonly #turns = new PacketTurns()
  #peerSpoke = false
  /** Came behind a frame that has not been taken yet. */
  #rest: Buffer
  #ended = false
  #taken = 0
  #done: (() => void) | null = null

  /** The socket is paused, and nobody listens to it but for errors. */
  constructor(socket: Socket, { algorithm, level, intake, early }: CompressedOptions) {
    super({ readableHighWaterMark: READ_AHEAD_BYTES })
    this.#socket = socket
    this.#intake = intake
    this.#rest = early
    this.#reader = new CompressedReader(algorithm, (bytes, owned) => this.push(owned ? bytes : Buffer.from(bytes)))
    this.#writer = new CompressedWriter({ algorithm, level })
    if (intake) {
      intake.attach({
        push: (bytes, owned) => {
          this.#onFrames(bytes, owned)
          return true
        },
      })
    } else socket.on('data', (bytes: Buffer) => this.#onFrames(bytes, true))
    socket.on('end', () => {
      this.#ended = true
      if (this.#rest.length === 0) this.push(null)
    })
    socket.on('error', error => this.destroy(error))
    // What was unpacked still reaches who reads.
    socket.on('close', () => {
      if (!this.#ended || this.readableEnded) this.destroy()
      else this.once('end', () => this.destroy())
    })
    socket.pause()
  }

  /** Of packets: what the socket has not taken counts too. */
  get bytesWritten(): number {
    return this.#taken + this.writableLength
  }

  #onFrames(bytes: Buffer, owned: boolean): void {
    this.#peerSpoke = true
    let end: number
    try {
      end = this.#reader.write(bytes, 0, bytes.length)
    } catch (error) {
      this.destroy(error as Error)
      return
    }
    if (end < bytes.length) this.#rest = owned ? bytes.subarray(end) : Buffer.from(bytes.subarray(end))
    if (this.readableLength >= READ_AHEAD_BYTES || end < bytes.length) this.#socket.pause()
  }

  override _read(): void {
    const rest = this.#rest
    if (rest.length > 0) {
      this.#rest = EMPTY
      this.#onFrames(rest, true)
      if (this.#rest.length > 0) return
    }
    if (this.#ended) this.push(null)
    else this.#socket.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const socket = this.#socket
    socket.cork()
    let end = 0
    for (let at = 0; at < bytes.length; at = end) {
      end = this.#turns.next(bytes, at, bytes.length, this.#peerSpoke)
      this.#begin(this.#turns.sequence)
      for (const part of this.#writer.encode(bytes.subarray(at, end))) socket.write(part, this.#onWritten)
    }
    socket.uncork()
    this.#taken += bytes.length
    if (socket.writableLength === 0) done()
    else this.#done = done
  }

  readonly #onWritten = (): void => {
    if (this.#socket.writableLength > 0) return
    const done = this.#done
    this.#done = null
    done?.()
  }

  /** What waits goes into common frames. */
  override _writev(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done)
  }

  /** Frames count from 0 for a command, and go on from the peer's for what answers it. */
  #begin(sequence: number): void {
    if (sequence < 0) return
    const writer = this.#writer
    writer.nextSequence = sequence === 0 ? 0 : this.#peerSpoke ? (this.#reader.sequence + 1) & 0xff : sequence
    this.#peerSpoke = false
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    this.#intake?.close()
    done(error)
  }
}

const EMPTY = Buffer.alloc(0)
