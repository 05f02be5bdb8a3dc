/**
 * One upstream connection on which answers come in order. A shared one carries the requests of many sessions, gathered
 * into one write per turn of the event loop, and connects again by itself; a private one belongs to one session at a
 * time and dies with its connection. Bytes pass through as they are: only their ends are looked for.
 */
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import type { Turn } from '../../net/index.ts'
import { outcomeOf } from '../../observability/operation-stats.ts'
import type { Clock } from '../../protocol.ts'
import { ReplyReader } from './reply-reader.ts'
import { ReplyRing } from './reply-ring.ts'
import { nobody, type ReplySink } from './reply-sink.ts'
import { RequestWriter } from './request-writer.ts'

/** What a pipeline tells whoever opened it. */
export interface PipelineOwner {
  /** The connection is gone, or was never had; the pipeline has failed what it can no longer answer. */
  onPipelineLost(pipeline: Pipeline, error: ProxyError): void
  /** The server said that it is a replica now: who writes must go elsewhere. */
  onReadOnly(): void
  /** A retired pipeline has answered everything. */
  onPipelineEmpty(pipeline: Pipeline): void
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
  readonly owner: PipelineOwner
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #writer: RequestWriter
  readonly #reader = new ReplyReader(this)
  #phase: 'connecting' | 'ready' | 'closed' = 'connecting'
  #socket: Socket | null = null
  #paused = false
  #lastReadAt = 0

  constructor(owner: PipelineOwner, protocol: 2 | 3, turn: Turn, clock: Clock) {
    this.owner = owner
    this.protocol = protocol
    this.#turn = turn
    this.#clock = clock
    this.#writer = new RequestWriter(turn)
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
    return this.#reader.begun
  }

  /** Where the socket reads into; for `onread`. */
  readonly buffer = (): Buffer => this.#reader.room

  /** Takes a socket whose handshake is over and sends what has gathered. */
  attach(socket: Socket): void {
    if (this.#phase === 'closed') {
      socket.destroy()
      return
    }
    this.#socket = socket
    this.#phase = 'ready'
    this.#lastReadAt = this.#clock.now()
    this.#writer.attach(socket)
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
    return this.#writer.write(sink, bytes, start, end)
  }

  /** Appends a piece of a request that `send` has announced: private pipelines only. Returns as `send`. */
  sendPiece(sink: ReplySink, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#writer.write(sink, bytes, start, end)
  }

  /** Puts a reply of our own behind the replies that the sink still waits for. */
  sendLocal(sink: ReplySink, reply: Buffer): void {
    this.ring.pushLocal(sink, reply)
  }

  /** Takes n bytes that were read to where `buffer` said. */
  onRead(n: number): void {
    const now = this.#clock.now()
    this.#lastReadAt = now
    try {
      this.#reader.take(n, now)
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
      const { room } = this.#reader
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
    const { begun } = this.#reader
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
    if (this.ring.empty) this.owner.onPipelineEmpty(this)
  }

  /** Ends the connection and fails what was not answered. */
  destroy(error: ProxyError): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    const socket = this.#socket
    this.#socket = null
    socket?.destroy()
    this.#writer.detach()
    this.failAll(error)
    this.owner.onPipelineLost(this, error)
  }

  /** Fails everything that waits for a reply; the connection stays. */
  failAll(error: ProxyError): void {
    const { ring } = this
    let { begun } = this.#reader
    const outcome = outcomeOf(error)
    this.#reader.begun = false
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
    this.#writer.clear()
  }
}
