/**
 * The write side of a pipeline: requests gather until the turn of the event loop ends and leave in one write. While the
 * server does not take them, or is not connected yet, the sinks that send more are told to wait.
 */
import type { Socket } from 'node:net'
import type { Turn } from '../../net/index.ts'
import type { ReplySink } from './reply-sink.ts'

/** What gathers before it is written; requests that are larger go out in pieces. */
const OUT_BYTES = 64 * 1024
/** Unsent bytes from which on the sinks wait. */
const HIGH_WATER_BYTES = 1024 * 1024

export class RequestWriter {
  readonly #turn: Turn
  #socket: Socket | null = null
  #out = Buffer.allocUnsafeSlow(OUT_BYTES)
  #outLength = 0
  #queued = false
  #waiting: ReplySink[] = []
  #congested = false

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Sends what has gathered, and from here on what comes. */
  attach(socket: Socket): void {
    this.#socket = socket
    socket.on('drain', () => this.release())
    if (this.#outLength > 0) this.#request()
  }

  /** Writes no more. */
  detach(): void {
    this.#socket = null
    this.#outLength = 0
  }

  /** Forgets what has gathered, and lets those that wait send again. */
  clear(): void {
    this.#outLength = 0
    this.release()
  }

  /** Appends bytes of a sink; returns false when it should send no more until its `resume` is called. */
  write(sink: ReplySink, bytes: Uint8Array, start: number, end: number): boolean {
    this.#append(bytes, start, end)
    this.#request()
    return !this.#congested || this.#wait(sink)
  }

  flush(): void {
    this.#queued = false
    const socket = this.#socket
    if (socket === null || this.#outLength === 0) return
    socket.write(this.#out.subarray(0, this.#outLength))
    this.#outLength = 0
    // What the kernel did not take still lies in the buffer: it belongs to that write now.
    if (socket.writableLength > 0) {
      this.#out = Buffer.allocUnsafeSlow(OUT_BYTES)
      if (socket.writableLength > HIGH_WATER_BYTES) this.#congested = true
    } else if (this.#congested) {
      // Gathered before there was a connection, and taken at once: no 'drain' will come. Not now: a request is half sent.
      process.nextTick(() => this.release())
    }
  }

  /** Lets those that wait send again. */
  release(): void {
    this.#congested = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const sink of waiting) sink.resume()
  }

  #request(): void {
    if (this.#queued) return this.#turn.note()
    this.#queued = true
    this.#turn.request(this)
  }

  #wait(sink: ReplySink): false {
    if (!this.#waiting.includes(sink)) this.#waiting.push(sink)
    return false
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#outLength + length > this.#out.length) return this.#appendLarge(bytes, start, end)
    const out = this.#out
    let to = this.#outLength
    // A loop beats the creation of a view up to about this length (bench/codecs/copy.ts).
    if (length <= 96) for (let i = start; i < end; i++) out[to++] = bytes[i]!
    else out.set(bytes.subarray(start, end), to)
    this.#outLength += length
  }

  #appendLarge(bytes: Uint8Array, start: number, end: number): void {
    if (this.#socket !== null) {
      this.flush()
      for (let from = start; from < end; ) {
        const n = Math.min(this.#out.length, end - from)
        this.#out.set(bytes.subarray(from, from + n))
        this.#outLength = n
        from += n
        if (from < end) this.flush()
      }
      return
    }
    // Not connected yet: gather, the sessions are told to wait at the mark.
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, this.#outLength + end - start))
    this.#out.copy(grown, 0, 0, this.#outLength)
    grown.set(bytes.subarray(start, end), this.#outLength)
    this.#out = grown
    this.#outLength += end - start
    if (this.#outLength > HIGH_WATER_BYTES) this.#congested = true
  }
}
