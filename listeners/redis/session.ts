/**
 * One client: the order of its requests and replies, and the phase it is in. What it sends comes through its input
 * (request-input.ts); requests that any connection can serve go to the shared pipeline of its RESP version and database;
 * a command that needs more has a handler (commands/), which may move the session to a private pipeline (private-seat.ts)
 * until its pins are gone.
 */
import type { Socket } from 'node:net'
import type { Pipeline, ReplySink } from '../../src/backends/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import type { ClientFacts } from './client-facts.ts'
import { Pin } from './command-handler.ts'
import { dress } from './errors.ts'
import { MutedSink } from './muted-sink.ts'
import { Outlet } from './outlet.ts'
import { PrivateSeat } from './private-seat.ts'
import { RequestInput } from './request-input.ts'
import type { SessionHost } from './session-host.ts'
import type { SubscriberState } from './subscriber-state.ts'

/**
 * reading: requests are served as they come. waiting: until replies are in, or something else is. closing: the last reply is on its way. closed: over.
 */
export type Phase = 'reading' | 'waiting' | 'closing' | 'closed'

/** Pins of a client that only waits for something to come. */
const IDLE_PINS = Pin.BLOCK | Pin.STREAM
const LINGER_MS = 1000

export class Session implements ReplySink {
  readonly framewise = false
  readonly id: number
  readonly host: SessionHost
  readonly facts: ClientFacts
  readonly socket: Socket
  readonly input: RequestInput
  readonly outlet: Outlet
  readonly seat: PrivateSeat
  /** RESP version. */
  protocol: 2 | 3 = 2
  database = 0
  phase: Phase = 'reading'
  /** Requests sent and not answered, and replies of our own that wait behind them. */
  outstanding = 0
  /** Where the requests that are outstanding went. */
  pipeline: Pipeline | null = null
  subscriptions: SubscriberState | null = null
  /** CLIENT REPLY: what becomes of the replies to come. */
  reply: 'on' | 'off' | 'skip-next' | 'skip' = 'on'
  /** What ends the phase `waiting`: replies, an upstream that takes requests again, or a handler's `resumeReading`. */
  waitsFor: 'replies' | 'upstream' | 'handler' = 'replies'
  /** The first byte of what a handler answered. */
  answeredWith = 0
  /** To be closed at the next boundary between requests. */
  draining = false
  /** Something is to be done when nothing is outstanding. */
  attention = false
  #muted: MutedSink | null = null
  /** Takes what we answer ourselves, while that is not to be sent. */
  #captured: Buffer[] | null = null

  constructor(host: SessionHost, socket: Socket, facts: ClientFacts, id: number) {
    this.id = id
    this.host = host
    this.socket = socket
    this.facts = facts
    this.input = new RequestInput(this)
    this.outlet = new Outlet(socket)
    this.seat = new PrivateSeat(this)
  }

  get stats() {
    return this.host.stats
  }

  get subscribed(): boolean {
    return this.subscriptions?.active ?? false
  }

  /** True when requests that any connection can serve need not be looked at. */
  get plain(): boolean {
    const { facts, seat, host } = this
    if (this.reply !== 'on' || facts.guarded || seat.aborted !== null) return false
    return !(this.protocol === 2 && this.subscribed) && !host.backend.writePause.active
  }

  // --- To the backend -------------------------------------------------------------------------------------------

  /** Sends whole requests whose operations stand in the host's scratch array; `scripts` if the first runs one. */
  send(bytes: Buffer, start: number, end: number, count: number, scripts = false): void {
    const pipeline = this.#target(scripts)
    if (pipeline === null) return this.#unavailable(count)
    const { operations } = this.host
    this.facts.lastOperation = operations[count - 1]!
    this.outstanding += count
    if (!pipeline.send(this.replySink, bytes, start, end, count, operations)) this.hold('upstream')
  }

  /** Sends one request whose reply another sink takes, which passes it on with `deliver`. */
  sendFor(sink: ReplySink, request: Buffer, operation: number): void {
    const pipeline = this.#target()
    this.host.operations[0] = operation
    if (pipeline === null) return this.#unavailable(1)
    this.outstanding++
    if (!pipeline.send(sink, request, 0, request.length, 1, this.host.operations)) this.hold('upstream')
  }

  /** Where requests go now; null while the backend is away. */
  #target(scripts = false): Pipeline | null {
    if (this.seat.pipeline !== null) return (this.pipeline = this.seat.pipeline)
    if (this.outstanding === 0) this.pipeline = this.host.lane(this.protocol, this.database, scripts).pipeline
    return this.pipeline
  }

  #unavailable(count: number): void {
    const { host } = this
    const reply = dress(host.lane(this.protocol, this.database).refusal)
    for (let i = 0; i < count; i++) {
      host.stats.count(host.operations[i]!, Outcome.UNAVAILABLE)
      this.local(reply)
    }
  }

  /** Who gets the reply of the request being served. */
  get replySink(): ReplySink {
    return this.reply === 'on' ? this : (this.#muted ??= new MutedSink(this))
  }

  /** Answers by ourselves, behind the replies that are still to come. */
  local(reply: Buffer): void {
    this.answeredWith = reply[0]!
    if (this.reply === 'on' || this.reply === 'skip-next') this.push(reply)
  }

  /** The same for what comes even to a client that wants no replies. */
  push(reply: Buffer): void {
    if (this.phase === 'closed') return
    if (this.#captured !== null) {
      this.#captured.push(reply)
      return
    }
    if (this.outstanding > 0 && this.pipeline !== null) {
      this.outstanding++
      return this.pipeline.sendLocal(this, reply)
    }
    if (this.phase === 'reading') this.outlet.cork()
    this.outlet.write(reply)
  }

  /** What is answered by ourselves while `run` runs, instead of being sent. */
  capture(run: () => void): Buffer {
    const captured: Buffer[] = []
    this.#captured = captured
    run()
    this.#captured = null
    return Buffer.concat(captured)
  }

  refuse(error: ProxyError): void {
    this.local(dress(error))
  }

  // --- Waiting ----------------------------------------------------------------------------------------------------

  /** Stops reading until `resumeReading` is called. */
  hold(waitsFor: 'upstream' | 'handler' = 'handler'): void {
    if (this.phase !== 'reading') return
    this.phase = 'waiting'
    this.waitsFor = waitsFor
  }

  /** Stops reading until nothing is outstanding, unless a handler waits for something else. */
  awaitReplies(): void {
    if (this.phase !== 'reading') return
    this.phase = 'waiting'
    this.waitsFor = 'replies'
    this.attention = true
  }

  /** Reads on after `hold` or a wait for replies. */
  resumeReading(): void {
    if (this.phase !== 'waiting') return
    this.phase = 'reading'
    this.seat.watchReplies()
    this.input.resume()
  }

  // --- From the backend -----------------------------------------------------------------------------------------

  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean {
    this.outstanding -= replies
    if (this.phase === 'closed') return false
    const { outlet } = this
    const kept = outlet.writeView(bytes, start, end)
    if (outlet.waiting > 0) this.host.slowClients.onWaiting(this)
    if (this.subscriptions !== null && replies > 0) this.subscriptions.release()
    if (this.outstanding === 0 && this.attention) this.#settle()
    return kept
  }

  deliverLocal(reply: Buffer): void {
    this.outstanding--
    if (this.phase === 'closed') return
    this.outlet.write(reply)
    if (this.outstanding === 0 && this.attention) this.#settle()
  }

  fail(replies: number, error: ProxyError, begun: boolean): void {
    this.outstanding -= replies
    if (this.phase === 'closed') return
    // Half a reply has left: nothing can be said any more.
    if (begun) return this.destroy()
    const reply = dress(error)
    for (let i = 0; i < replies; i++) this.outlet.write(reply)
    if (this.outstanding === 0 && this.attention) this.#settle()
  }

  /** The upstream takes requests again. */
  resume(): void {
    if (this.phase === 'waiting' && this.waitsFor === 'upstream') this.resumeReading()
  }

  slow(operation: number, durationMs: number): void {
    this.host.slow(this, operation, durationMs)
  }

  /** Nothing is outstanding any more, and something waits for that. */
  #settle(): void {
    this.attention = false
    this.seat.settle()
    if (this.phase === 'closing') return this.#close()
    if (this.draining && this.idle) return this.finish()
    if (this.draining) this.attention = true
    if (this.phase === 'waiting' && this.waitsFor === 'replies') process.nextTick(resumeReading, this)
  }

  // --- The end --------------------------------------------------------------------------------------------------

  /** True between requests, when closing loses nothing. */
  get idle(): boolean {
    return this.outstanding === 0 && this.seat.pins === 0 && this.input.waiting === 0 && this.phase === 'reading'
  }

  /** The client will send no more; its replies still go out. */
  onEnd(): void {
    const { input, phase, seat } = this
    input.ended = true
    if (phase !== 'waiting' || input.waiting === 0 || (seat.wanted & IDLE_PINS) !== 0) this.finish()
  }

  /** The kernel has taken everything. */
  onDrain(): void {
    this.outlet.releaseStalled()
    this.input.resumeUnlessCongested()
  }

  /** Closes as soon as that loses nothing. */
  drain(): void {
    this.draining = true
    this.attention = true
    if (this.idle) this.finish()
  }

  /** Ends the connection when everything under way is answered. */
  finish(): void {
    if (this.phase === 'closing' || this.phase === 'closed') return
    // Nobody is left to read what it blocks for, or to send the rest.
    const pointless = this.input.uploading || (this.input.ended && (this.seat.pins & IDLE_PINS) !== 0)
    if (pointless) return this.destroy()
    this.phase = 'closing'
    this.attention = true
    if (this.outstanding === 0) this.#close()
  }

  /** Closes when the replies that are due, the one given next included, have left. */
  finishAfterReply(): void {
    process.nextTick(finish, this)
  }

  #close(): void {
    this.outlet.uncork()
    const { socket } = this
    socket.end()
    // Reading on for a moment keeps a reset from overtaking the last reply; for ever would let a client hold on to us.
    this.host.clock.after(LINGER_MS, () => socket.destroy())
    this.#cleanUp()
  }

  destroy(): void {
    if (this.phase === 'closed') return
    this.socket.destroy()
    this.#cleanUp()
  }

  #cleanUp(): void {
    this.phase = 'closed'
    this.outlet.releaseStalled()
    this.input.clear()
    this.subscriptions?.close()
    this.seat.leave()
    this.host.onSessionClosed(this)
  }
}

const resumeReading = (session: Session): void => session.resumeReading()
const finish = (session: Session): void => session.finish()
