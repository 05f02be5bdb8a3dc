/**
 * The read side of a pipeline: finds where each reply ends and hands them out in the order of the ring, those of one sink
 * that lie together in one piece. A short beginning of a reply is held back, a long one goes piece by piece.
 */
import { ReplyScanner } from '../../../codecs/redis/index.ts'
import { bucketOf, Outcome } from '../../observability/operation-stats.ts'
import type { Pipeline } from './pipeline.ts'
import { nobody, type ReplySink } from './reply-sink.ts'

/** Read at once at most; also the longest reply that is kept until it is whole, but see HOLD_BYTES. */
const IN_BYTES = 256 * 1024
/** The beginning of a reply is held back up to here, so that a reply cut short can still become an error. */
const HOLD_BYTES = 16 * 1024

const PUSH = 62
const ERROR = 45
const BLOB_ERROR = 33

export class ReplyReader {
  /** A reply has begun to leave but has not ended. */
  begun = false
  readonly #pipeline: Pipeline
  readonly #scanner = new ReplyScanner()
  #in = Buffer.allocUnsafeSlow(IN_BYTES)
  #inLength = 0
  /** A write still holds the buffer. */
  #kept = false
  /** What a suspended reply began with. */
  #begunType = 0

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
  }

  /** Where to read into. */
  get room(): Buffer {
    return this.#inLength === 0 ? this.#in : this.#in.subarray(this.#inLength)
  }

  /** Takes n bytes that were read to where `room` said. Throws when they are no replies. */
  take(n: number, now: number): void {
    this.#onReplies(this.#in, this.#inLength + n, now)
  }

  #onReplies(bytes: Buffer, end: number, now: number): void {
    const pipeline = this.#pipeline
    if (pipeline.raw) return this.#onRaw(bytes, end)
    const scanner = this.#scanner
    const { ring, subscriber } = pipeline
    let position = 0
    /** Whose replies lie between runStart and position, and how many: they leave in one write. */
    let run: ReplySink | null = null
    let runStart = 0
    let runCount = 0
    let bucketTime = -1
    let bucket = 0
    let elapsed = 0
    while (position < end) {
      const replyEnd = scanner.scan(bytes, position, end)
      if (replyEnd < 0) break
      const type = this.begun ? this.#begunType : bytes[position]!
      this.begun = false
      const unasked = type === PUSH || ring.empty
      const sink = unasked ? subscriber : ring.sink
      if (run !== null && (run !== sink || (unasked && sink.framewise))) {
        this.#deliver(run, bytes, runStart, position, runCount)
        if (!pipeline.open) return
        runStart = position
        runCount = 0
      }
      run = sink
      if (unasked) {
        // On a shared pipeline only pushes may come unasked; a reply more than requests means that we have lost step.
        if (sink === nobody && type !== PUSH) throw new RangeError('a reply came that no request asked for')
        position = replyEnd
        continue
      }
      const { time } = ring
      const operation = ring.takeOne()
      if (time !== bucketTime) {
        bucketTime = time
        elapsed = now - time
        bucket = bucketOf(elapsed)
      }
      const { stats } = sink
      const failed = type === ERROR || type === BLOB_ERROR
      if (failed && isReadOnly(bytes, position)) pipeline.owner.onReadOnly()
      if (stats !== null) {
        stats.record(operation, failed ? Outcome.ERROR : Outcome.OK, bucket, elapsed)
        if (elapsed > stats.slowMs) sink.slow(operation, elapsed)
      }
      runCount++
      position = replyEnd
      if (ring.count > 0) continue
      ring.next()
      if (ring.empty || ring.count > 0) continue
      this.#deliver(sink, bytes, runStart, position, runCount)
      run = null
      runStart = position
      runCount = 0
      while (!ring.empty && ring.count === 0) {
        const waiting = ring.sink
        const local = ring.takeLocal()
        ring.next()
        waiting.deliverLocal(local)
      }
      if (!pipeline.open) return
    }
    if (run !== null) this.#deliver(run, bytes, runStart, position, runCount)
    if (!pipeline.open) return
    this.#keepRest(bytes, position, end)
    if (pipeline.retired && ring.empty && pipeline.ready) pipeline.owner.onPipelineEmpty(pipeline)
  }

  #onRaw(bytes: Buffer, end: number): void {
    this.#deliver(this.#pipeline.subscriber, bytes, 0, end, 0)
    this.#keepRest(bytes, end, end)
  }

  /** Holds a short beginning of a reply back; lets a long one go piece by piece. */
  #keepRest(bytes: Buffer, position: number, end: number): void {
    const scanner = this.#scanner
    let rest = position
    if (position < end) {
      if (this.begun || end - position > HOLD_BYTES) {
        if (!this.begun) this.#begunType = bytes[position]!
        rest = scanner.suspend(end)
        if (rest > position) {
          this.begun = true
          const { ring, subscriber } = this.#pipeline
          const sink = this.#begunType === PUSH || ring.empty ? subscriber : ring.sink
          this.#deliver(sink, bytes, position, rest, 0)
        } else if (!this.begun) scanner.restart()
      } else scanner.restart()
    }
    if (this.#kept) {
      this.#kept = false
      this.#in = Buffer.allocUnsafeSlow(IN_BYTES)
      if (rest < end) bytes.copy(this.#in, 0, rest, end)
    } else if (rest < end && rest > 0) bytes.copyWithin(0, rest, end)
    this.#inLength = end - rest
    if (this.#inLength === this.#in.length) throw new RangeError('a line of the reply is longer than the read buffer')
  }

  #deliver(sink: ReplySink, bytes: Buffer, start: number, end: number, replies: number): void {
    if (sink.deliver(bytes, start, end, replies)) this.#kept = true
  }
}

const READONLY = Buffer.from('-READONLY ')

function isReadOnly(bytes: Buffer, start: number): boolean {
  return bytes[start + 1] === READONLY[1] && READONLY.equals(bytes.subarray(start, start + READONLY.length))
}
