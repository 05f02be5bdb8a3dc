/** One stream of an HTTP/2 connection, as its server sees it: what comes is handed on, what is sent waits for windows. */
import { Flag, FRAME_HEAD_BYTES, FrameType, MAX_WINDOW, writeFrameHead } from '../../../codecs/http2/index.ts'
import type { Http2Session } from './session.ts'

/** Who serves a stream. */
export interface StreamSink {
  /** A view that must not be kept. */
  onData(bytes: Buffer): void
  /** The request is complete. */
  onEnd(): void
  /** It has been ended by the peer, or with its connection: whatever is sent goes nowhere. Nothing follows. */
  onReset(): void
  /** What waited for the peer has left. */
  onDrained(): void
  /** Works still, whatever became of the stream: `stream.settled()` tells the end of it. */
  readonly isBusy: boolean
}

const NOTHING = Buffer.alloc(0)

type Phase = 'open' | 'half-closed-remote' | 'closed'

export class Http2Stream {
  readonly id: number
  readonly #session: Http2Session
  sink!: StreamSink
  readonly #endsWithHead: boolean
  #phase: Phase = 'open'
  /** Bytes that the peer takes. */
  #window: number
  /** Bytes that the peer may send. */
  #credit: number
  /** Received, and not given back to the peer as credit. */
  #owed = 0
  #paused = false
  /** By content-length; NaN: it was not told. */
  #remaining: number
  #headers: Buffer | undefined
  readonly #queue: Buffer[] = []
  #trailers: Buffer | undefined
  #orphaned = false

  /** `endsWithHead`: the request has nothing but its head. */
  constructor(
    session: Http2Session,
    id: number,
    window: number,
    credit: number,
    contentLength: number | undefined,
    endsWithHead: boolean,
  ) {
    this.#session = session
    this.id = id
    this.#endsWithHead = endsWithHead
    this.#window = window
    this.#credit = credit
    this.#remaining = contentLength ?? Number.NaN
  }

  get isClosed(): boolean {
    return this.#phase === 'closed'
  }

  get isRemoteEnded(): boolean {
    return this.#phase !== 'open'
  }

  /** Messages that wait for the peer. */
  get queued(): number {
    return this.#queue.length
  }

  // --- What is sent ---------------------------------------------------------------------------------------------------

  /** The block of the response's head; it leaves with what follows. */
  respond(block: Buffer): void {
    if (this.isClosed) return
    this.#headers = block
  }

  flushHeaders(): void {
    const block = this.#headers
    if (!block || this.isClosed) return
    this.#headers = undefined
    this.#session.sending.fields(this.id, block, false)
  }

  /** Bytes, and before them a few more. False: wait for `onDrained`. */
  send(prefix: Buffer, bytes: Buffer): boolean {
    if (this.isClosed) return false
    this.flushHeaders()
    const length = prefix.length + bytes.length
    if (this.#queue.length === 0 && this.#session.sending.takeWindow(this.#window, length)) {
      this.#window -= length
      this.#session.sending.data(this.id, prefix, bytes)
      return true
    }
    this.#queue.push(Buffer.concat([prefix, bytes]))
    this.pump()
    return this.#queue.length === 0
  }

  /** The end: nothing is sent behind it. */
  end(trailers: Buffer): void {
    if (this.isClosed || this.#trailers) return
    this.flushHeaders()
    this.#trailers = trailers
    if (this.#queue.length === 0) this.#finish()
  }

  /** A response that is nothing but its head. */
  respondOnly(block: Buffer): void {
    if (this.isClosed) return
    this.#headers = undefined
    this.#queue.length = 0
    this.#trailers = block
    this.#finish()
  }

  /** Sends what the windows allow. */
  pump(): void {
    const { sending } = this.#session
    const had = this.#queue.length > 0
    while (this.#queue.length > 0) {
      const bytes = this.#queue[0]!
      const count = sending.windowFor(Math.min(this.#window, bytes.length))
      if (count <= 0) {
        sending.blocked(this)
        return
      }
      sending.takeWindow(this.#window, count)
      this.#window -= count
      sending.data(this.id, NOTHING, bytes.subarray(0, count))
      if (count < bytes.length) this.#queue[0] = bytes.subarray(count)
      else this.#queue.shift()
    }
    if (this.#trailers) this.#finish()
    else if (had) this.sink.onDrained()
  }

  #finish(): void {
    this.#session.sending.fields(this.id, this.#trailers!, true)
    this.#close()
  }

  #close(): void {
    const remoteEnded = this.isRemoteEnded || this.#endsWithHead
    this.#phase = 'closed'
    this.#session.closed(this, remoteEnded)
  }

  /** False when the window becomes larger than allowed. */
  widen(increment: number): boolean {
    this.#window += increment
    if (this.#window > MAX_WINDOW) return false
    if (increment > 0 && this.#queue.length > 0) this.pump()
    return true
  }

  // --- What comes -----------------------------------------------------------------------------------------------------

  /** Stops giving credit: what is under way still comes. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#giveCredit()
  }

  /** False when the peer sends more than it may; `total` counts the padding too. */
  takeData(bytes: Buffer, total: number): boolean {
    if (total > this.#credit) return false
    this.#credit -= total
    this.#owed += total
    this.#remaining -= bytes.length
    if (bytes.length > 0) this.sink.onData(bytes)
    if (!this.#paused) this.#giveCredit()
    return true
  }

  /** Whether as many bytes have come as were announced, or may yet. */
  lengthIsRight(ended: boolean): boolean {
    return !(this.#remaining < 0 || (ended && this.#remaining > 0))
  }

  takeEnd(): void {
    if (this.#phase !== 'open') return
    this.#phase = 'half-closed-remote'
    this.sink.onEnd()
  }

  #giveCredit(): void {
    if (this.#owed === 0) return
    // A stream that has ended has no use for credit, its connection has.
    const session = this.#session
    if (this.isRemoteEnded || this.#credit >= session.initialCredit / 2) {
      if (this.isRemoteEnded) session.credit(this.#take())
      return
    }
    const bytes = this.#take()
    this.#credit += bytes
    session.credit(bytes)
    session.creditStream(this.id, bytes)
  }

  #take(): number {
    const bytes = this.#owed
    this.#owed = 0
    return bytes
  }

  // --- The end --------------------------------------------------------------------------------------------------------

  /** Of the stream, without an answer or in the middle of one. */
  abort(): void {
    if (this.isClosed) return
    this.#phase = 'closed'
    this.#queue.length = 0
    this.sink.onReset()
  }

  /** Credit that the connection is owed. */
  release(): number {
    return this.#take()
  }

  /** Counts on, though it is closed, until it is settled. */
  orphan(): void {
    this.#orphaned = true
  }

  settled(): void {
    if (!this.#orphaned) return
    this.#orphaned = false
    this.#session.orphanSettled()
  }
}

/** The frames of a block of fields: one HEADERS, and as many CONTINUATIONs as are needed. */
export function fieldFrames(stream: number, block: Buffer, isEnd: boolean, max: number): Buffer {
  const count = Math.max(1, Math.ceil(block.length / max))
  const bytes = Buffer.allocUnsafe(block.length + count * FRAME_HEAD_BYTES)
  let at = 0
  for (let i = 0; i < count; i++) {
    const part = block.subarray(i * max, (i + 1) * max)
    const flags = (i === 0 && isEnd ? Flag.END_STREAM : 0) | (i === count - 1 ? Flag.END_HEADERS : 0)
    writeFrameHead(bytes, at, part.length, i === 0 ? FrameType.HEADERS : FrameType.CONTINUATION, flags, stream)
    bytes.set(part, at + FRAME_HEAD_BYTES)
    at += FRAME_HEAD_BYTES + part.length
  }
  return bytes
}
