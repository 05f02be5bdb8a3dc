/**
 * One upstream connection on which answers come in order. A shared one carries the requests of many sessions, gathered
 * into one write per turn of the event loop, and connects again by itself; a private one belongs to one session at a
 * time and dies with its connection. Bytes pass through as they are: only their ends are looked for.
 */
import type { Socket } from 'node:net'
import { ReplyScanner } from '../../../codecs/redis/index.ts'
import { ProxyError } from '../../errors.ts'
import type { Turn } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import { bucketOf, Outcome, outcomeOf } from './command-stats.ts'
import { ReplyRing } from './reply-ring.ts'
import type { ReplySink } from './reply-sink.ts'

/** What a pipeline tells whoever opened it. */
export interface PipelineOwner {
  /** The connection is gone, or was never had; the pipeline has failed what it can no longer answer. */
  onPipelineLost(pipeline: Pipeline, error: ProxyError): void
  /** The server said that it is a replica now: who writes must go elsewhere. */
  onReadOnly(): void
  /** A retired pipeline has answered everything. */
  onPipelineEmpty(pipeline: Pipeline): void
}

/** What gathers before it is written; requests that are larger go out in pieces. */
const OUT_BYTES = 64 * 1024
/** Read at once at most; also the longest reply that is kept until it is whole, but see HOLD_BYTES. */
const IN_BYTES = 256 * 1024
/** The beginning of a reply is held back up to here, so that a reply cut short can still become an error. */
const HOLD_BYTES = 16 * 1024
/** Unsent bytes from which on the sessions are paused. */
const HIGH_WATER_BYTES = 1024 * 1024

const PUSH = 62
const ERROR = 45
const BLOB_ERROR = 33

/** Takes the replies that nobody waits for any more. */
export const nobody: ReplySink = {
  stats: null,
  framewise: false,
  deliver: () => false,
  deliverLocal() {},
  fail() {},
  resume() {},
  slow() {},
}

const NO_OPERATION = new Uint16Array(1)

/** Sends one request of our own, whose reply does not matter. */
export function sendToNobody(pipeline: Pipeline, request: Buffer): void {
  pipeline.send(nobody, request, 0, request.length, 1, NO_OPERATION)
}

export class Pipeline {
  readonly ring = new ReplyRing()
  /** Gets what a server sends unasked (RESP3 pushes, MONITOR lines); nobody on a shared pipeline. */
  subscriber: ReplySink = nobody
  /** The id that the server gave to this connection (HELLO), or 0. */
  serverId = 0
  /** The database that is selected on a private pipeline. */
  database = 0
  /** No deadline: a blocking command or a stream is under way. */
  patient = false
  /** Whatever comes goes to the subscriber as it is: the connection no longer speaks RESP. */
  raw = false
  /** Connected to a server that is not what it was: not to be lent again. */
  stale = false
  /** Takes no new sessions; closes when it has answered everything. */
  retired = false

  readonly protocol: 2 | 3
  readonly #owner: PipelineOwner
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #scanner = new ReplyScanner()
  #phase: 'connecting' | 'ready' | 'closed' = 'connecting'
  #socket: Socket | null = null
  #out = Buffer.allocUnsafeSlow(OUT_BYTES)
  #outLength = 0
  #queued = false
  #in: Buffer
  #inLength = 0
  #kept = false
  /** What a suspended reply began with. */
  #begunType = 0
  #begun = false
  #waiting: ReplySink[] = []
  #congested = false
  #paused = false
  #lastReadAt = 0

  constructor(owner: PipelineOwner, protocol: 2 | 3, turn: Turn, clock: Clock) {
    this.#owner = owner
    this.protocol = protocol
    this.#turn = turn
    this.#clock = clock
    this.#in = Buffer.allocUnsafeSlow(IN_BYTES)
  }

  get open(): boolean {
    return this.#phase !== 'closed'
  }

  get ready(): boolean {
    return this.#phase === 'ready'
  }

  /** Unanswered requests. */
  get pending(): number {
    return this.ring.pending
  }

  /** When bytes last came from the server, on the clock's scale. */
  get lastReadAt(): number {
    return this.#lastReadAt
  }

  get socket(): Socket | null {
    return this.#socket
  }

  /** True while a reply has begun to leave but has not ended. */
  get begun(): boolean {
    return this.#begun
  }

  /** Where the socket reads into; for `onread`. */
  readonly buffer = (): Buffer => (this.#inLength === 0 ? this.#in : this.#in.subarray(this.#inLength))

  /** Takes a socket whose handshake is over and sends what has gathered. */
  attach(socket: Socket): void {
    if (this.#phase === 'closed') {
      socket.destroy()
      return
    }
    this.#socket = socket
    this.#phase = 'ready'
    this.#lastReadAt = this.#clock.now()
    socket.on('drain', () => this.#onDrain())
    if (this.#outLength > 0) this.#request()
  }

  /**
   * Appends `count` whole requests of a sink that lie between start and end; their operations stand in `operations`.
   * Returns false when the sink should send no more until its `resume` is called.
   */
  send(
    sink: ReplySink,
    bytes: Uint8Array,
    start: number,
    end: number,
    count: number,
    operations: Uint16Array,
  ): boolean {
    this.ring.push(sink, count, operations, this.#clock.now())
    this.#append(bytes, start, end)
    this.#request()
    return !this.#congested || this.#wait(sink)
  }

  /** Appends a piece of a request that `send` has announced: private pipelines only. Returns as `send`. */
  sendPiece(sink: ReplySink, bytes: Uint8Array, start: number, end: number): boolean {
    this.#append(bytes, start, end)
    this.#request()
    return !this.#congested || this.#wait(sink)
  }

  /** Puts a reply of our own behind the replies that the sink still waits for. */
  sendLocal(sink: ReplySink, reply: Buffer): void {
    this.ring.pushLocal(sink, reply)
  }

  flush(): void {
    this.#queued = false
    if (this.#phase !== 'ready' || this.#outLength === 0) return
    const socket = this.#socket!
    socket.write(this.#out.subarray(0, this.#outLength))
    this.#outLength = 0
    // What the kernel did not take still lies in the buffer: it belongs to that write now.
    if (socket.writableLength > 0) {
      this.#out = Buffer.allocUnsafeSlow(OUT_BYTES)
      if (socket.writableLength > HIGH_WATER_BYTES) this.#congested = true
    } else if (this.#congested) {
      // Gathered before there was a connection, and taken at once: no 'drain' will come. Not now: a request is half sent.
      process.nextTick(() => this.#onDrain())
    }
  }

  /** Takes n bytes that were read to where `buffer` said. */
  onRead(n: number): void {
    const now = this.#clock.now()
    this.#lastReadAt = now
    try {
      this.#onReplies(this.#in, this.#inLength + n, now)
      if (this.ring.empty) this.#turn.settled()
    } catch (error) {
      this.destroy(
        new ProxyError('upstream-protocol', `the backend broke the protocol: ${(error as Error).message}`, {
          source: 'upstream',
          cause: error,
        }),
      )
    }
  }

  /** For sockets that cannot read into our buffer. */
  onData(chunk: Buffer): void {
    for (let offset = 0; offset < chunk.length && this.open; ) {
      const room = this.buffer()
      const n = chunk.copy(room, 0, offset)
      offset += n
      this.onRead(n)
    }
  }

  /** Stops reading while the session of a private pipeline does not keep up. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#socket?.pause()
  }

  unpause(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket?.resume()
  }

  /** Answers what was sent before that time with an error and lets the late replies go to nobody. */
  expire(before: number, error: ProxyError): void {
    if (this.ring.empty) return
    const begun = this.#begun
    let first = true
    const outcome = outcomeOf(error)
    this.ring.expire(before, nobody, (sink, count, local, at) => {
      if (local) return sink.deliverLocal(local)
      for (let i = 0; i < count; i++) sink.stats?.count(this.ring.operationAt(at + i), outcome)
      sink.fail(count, error, first && begun)
      first = false
    })
  }

  /** Closes when everything is answered. */
  retire(): void {
    this.retired = true
    if (this.ring.empty) this.#owner.onPipelineEmpty(this)
  }

  /** Ends the connection and fails what was not answered. */
  destroy(error: ProxyError): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    const socket = this.#socket
    this.#socket = null
    socket?.destroy()
    this.#outLength = 0
    this.failAll(error)
    this.#owner.onPipelineLost(this, error)
  }

  /** Fails everything that waits for a reply; the connection stays. */
  failAll(error: ProxyError): void {
    const { ring } = this
    let begun = this.#begun
    const outcome = outcomeOf(error)
    this.#begun = false
    while (!ring.empty) {
      const { sink, count } = ring
      for (let i = 0; i < count; i++) {
        const operation = ring.takeOne()
        sink.stats?.count(operation, outcome)
      }
      const local = count === 0 ? ring.takeLocal() : null
      ring.next()
      if (local) sink.deliverLocal(local)
      else sink.fail(count, error, begun)
      begun = false
    }
    this.#outLength = 0
    this.#release()
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

  #onDrain(): void {
    this.#congested = false
    this.#release()
  }

  #release(): void {
    this.#congested = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const sink of waiting) sink.resume()
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
    if (this.#phase === 'ready') {
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

  #onReplies(bytes: Buffer, end: number, now: number): void {
    if (this.raw) return this.#onRaw(bytes, end)
    const scanner = this.#scanner
    const { ring, subscriber } = this
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
      const type = this.#begun ? this.#begunType : bytes[position]!
      this.#begun = false
      const unasked = type === PUSH || ring.empty
      const sink = unasked ? subscriber : ring.sink
      if (run !== null && (run !== sink || (unasked && sink.framewise))) {
        this.#deliver(run, bytes, runStart, position, runCount)
        if (this.#phase === 'closed') return
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
      if (failed && isReadOnly(bytes, position)) this.#owner.onReadOnly()
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
      if (this.#phase === 'closed') return
    }
    if (run !== null) this.#deliver(run, bytes, runStart, position, runCount)
    if (this.#phase === 'closed') return
    this.#keepRest(bytes, position, end)
    if (this.retired && ring.empty && this.#phase === 'ready') this.#owner.onPipelineEmpty(this)
  }

  #onRaw(bytes: Buffer, end: number): void {
    this.#deliver(this.subscriber, bytes, 0, end, 0)
    this.#keepRest(bytes, end, end)
  }

  /** Holds a short beginning of a reply back; lets a long one go piece by piece. */
  #keepRest(bytes: Buffer, position: number, end: number): void {
    const scanner = this.#scanner
    let rest = position
    if (position < end) {
      if (this.#begun || end - position > HOLD_BYTES) {
        if (!this.#begun) this.#begunType = bytes[position]!
        rest = scanner.suspend(end)
        if (rest > position) {
          this.#begun = true
          const sink = this.#begunType === PUSH || this.ring.empty ? this.subscriber : this.ring.sink
          this.#deliver(sink, bytes, position, rest, 0)
        } else if (!this.#begun) scanner.restart()
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
