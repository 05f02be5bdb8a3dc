/**
 * One client: the order of its requests and replies, and the phase it is in. Requests that any connection can serve go
 * to the shared pipeline of its RESP version and database; a command that needs more has a handler (commands/), which
 * may move the session to a private pipeline until its pins are gone.
 */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../codecs/codec.ts'
import {
  argumentSpans,
  CommandFlag,
  encodeCommand,
  REQUEST_LIMITS,
  Scan,
  splitInline,
  UNAUTHENTICATED_LIMITS,
} from '../../codecs/redis/index.ts'
import { Outcome, type Pipeline, type RedisBackend, type ReplySink } from '../../src/backends/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import type { ClientFacts } from './client-facts.ts'
import { type Frame, Handled, Pin, TRANSIENT_PINS } from './command-handler.ts'
import { dress } from './errors.ts'
import { Inbox } from './inbox.ts'
import { MutedSink } from './muted-sink.ts'
import { Outlet } from './outlet.ts'
import { PrivateSeat } from './private-seat.ts'
import type { SessionHost } from './session-host.ts'
import type { SubscriberState } from './subscriber-state.ts'
import { Upload } from './upload.ts'

/**
 * reading: requests are served as they come. waiting: until replies are in, or something else is. closing: the last reply is on its way. closed: over.
 */
export type Phase = 'reading' | 'waiting' | 'closing' | 'closed'

/** Pins of a client that only waits for something to come. */
const IDLE_PINS = Pin.BLOCK | Pin.STREAM
const MINUS = 45
/** Replies before authentication at most, in bytes (Redis does the same since CVE-2025-21605). */
const MAX_EARLY_OUTPUT = 1024
const LINGER_MS = 1000
/** Kept at most of what a client sends while it waits. */
const WAITING_BYTES = 64 * 1024

export class Session implements ReplySink {
  readonly framewise = false
  readonly id: number
  readonly host: SessionHost
  readonly facts: ClientFacts
  readonly socket: Socket
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
  /** To be closed at the next boundary between requests. */
  draining = false
  /** Something is to be done when nothing is outstanding. */
  #attention = false
  /** What ends the phase `waiting`: replies, an upstream that takes requests again, or a handler's `resumeReading`. */
  #waitsFor: 'replies' | 'upstream' | 'handler' = 'replies'
  #inbox: Inbox | null = null
  /** Of the request at the head of the inbox: where its first argument that is not whole begins, and how many are left. */
  #resumeAt = 0
  #resumeLeft = 0
  #upload: Upload | null = null
  #ended = false
  #muted: MutedSink | null = null
  /** What is served was a line, whose own limits it has kept. */
  #inlineLimits = false
  /** The first byte of what a handler answered. */
  #answeredWith = 0
  /** Takes what we answer ourselves, while that is not to be sent. */
  #captured: Buffer[] | null = null
  #inputPaused = false

  constructor(host: SessionHost, socket: Socket, facts: ClientFacts, id: number) {
    this.id = id
    this.host = host
    this.socket = socket
    this.facts = facts
    this.outlet = new Outlet(socket)
    this.seat = new PrivateSeat(this)
  }

  get stats() {
    return this.host.stats
  }

  get subscribed(): boolean {
    return this.subscriptions?.active ?? false
  }

  /** A request passes in pieces. */
  get uploading(): boolean {
    return this.#upload !== null
  }

  get inboxBytes(): number {
    return this.#inbox?.length ?? 0
  }

  /** True while a reply has begun to leave and has not ended. */
  get midReply(): boolean {
    return this.outstanding > 0 && this.pipeline !== null && this.pipeline.begun && this.pipeline.ring.sink === this
  }

  // --- From the client ------------------------------------------------------------------------------------------

  /** Takes n bytes that were read into the host's buffer. */
  onRead(n: number): void {
    if (this.phase === 'closing' || this.phase === 'closed') return
    const { bytes, headroom } = this.host.readBuffer
    this.facts.activeAt = this.host.clock.now()
    this.facts.received += n
    const inbox = this.#inbox
    if (inbox === null) return this.#consume(bytes, headroom, headroom + n)
    if (this.phase !== 'waiting' && inbox.length <= headroom) {
      // The beginning goes in front of what was read: nothing is joined.
      const start = headroom - inbox.length
      inbox.bytes.copy(bytes, start, 0, inbox.length)
      this.#inbox = null
      return this.#consume(bytes, start, headroom + n)
    }
    inbox.keep(bytes, headroom, headroom + n)
    if (this.phase !== 'waiting') return this.#consumeInbox()
    if (this.#congested) this.#pauseInput(true)
  }

  /** The client will send no more; its replies still go out. */
  onEnd(): void {
    this.#ended = true
    if (this.phase !== 'waiting' || this.inboxBytes === 0 || (this.seat.wanted & IDLE_PINS) !== 0) this.finish()
  }

  /** Reads on after `hold` or a wait for replies. */
  resumeReading(): void {
    if (this.phase !== 'waiting') return
    this.phase = 'reading'
    this.#watchReplies()
    if (this.#inbox !== null) this.#consumeInbox()
    if ((this.phase as Phase) !== 'reading') return
    if (this.#ended) return this.finish()
    if (!this.#congested) this.#pauseInput(false)
  }

  #consumeInbox(): void {
    const inbox = this.#inbox!
    this.#inbox = null
    this.#consume(inbox.bytes, 0, inbox.length)
  }

  #consume(bytes: Buffer, from: number, end: number): void {
    let position = from
    try {
      if (this.#upload !== null) position = this.#pass(bytes, position, end)
      if (position < end && this.#upload === null && this.phase === 'reading')
        position = this.#requests(bytes, position, end)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#violation(error)
      return
    }
    this.outlet.uncork()
    if (this.phase === 'closing' || this.phase === 'closed') return
    if (position < end) (this.#inbox ??= new Inbox()).keep(bytes, position, end)
    if (this.#congested) this.#pauseInput(true)
  }

  /** Serves the requests that are whole; returns where the rest begins. */
  #requests(bytes: Buffer, from: number, end: number): number {
    const { scanner, table, specials, operations } = this.host
    const plain = !this.#guarded && this.reply === 'on'
    let position = from
    let runStart = from
    let count = 0
    try {
      while (position < end) {
        const found =
          this.#resumeLeft > 0 ? this.#resume(bytes, position, end) : scanner.scan(bytes, position, end, this.#limits)
        if (found === Scan.FRAME) {
          const command = table.lookup(bytes, scanner.nameStart, scanner.nameEnd)
          // An unknown command is looked at: it may be a browser's.
          if (plain && command >= 0 && specials[command] === 0 && count < operations.length) {
            operations[count++] = command + 1
            position = scanner.end
            continue
          }
        }
        const { end: frameEnd, argc, at, left, missing } = scanner
        if (count > 0) {
          this.send(bytes, runStart, position, count)
          count = 0
          runStart = position
          if (this.phase !== 'reading') return position
        }
        if (found === Scan.MORE) return this.#incomplete(bytes, position, end, at, left, missing)
        let next = frameEnd
        if (found === Scan.FRAME) {
          const command = table.lookup(bytes, scanner.nameStart, scanner.nameEnd)
          next = this.#special({ bytes, start: position, end: frameEnd, argc, command, limit: end })
        } else if (found === Scan.INLINE && !this.#inline(bytes, position, frameEnd)) next = position
        position = runStart = next
        if (this.phase !== 'reading') return position
        // A handler may have changed what the loop goes by.
        if (plain !== (!this.#guarded && this.reply === 'on'))
          return position < end ? this.#requests(bytes, position, end) : position
      }
    } catch (error) {
      // What came before a broken request is served.
      if (count > 0) this.send(bytes, runStart, position, count)
      throw error
    }
    if (count > 0) this.send(bytes, runStart, position, count)
    return position
  }

  /** True when every request must be looked at. */
  get #guarded(): boolean {
    const { facts, seat, host } = this
    return (
      facts.guarded ||
      seat.aborted !== null ||
      (this.protocol === 2 && this.subscribed) ||
      host.backend.writePause.active
    )
  }

  get #limits() {
    return this.facts.authenticated || this.#inlineLimits ? REQUEST_LIMITS : UNAUTHENTICATED_LIMITS
  }

  #resume(bytes: Buffer, position: number, end: number): number {
    const { scanner } = this.host
    const found = scanner.resume(bytes, position + this.#resumeAt, end, this.#resumeLeft, this.#limits)
    this.#resumeLeft = 0
    if (found === Scan.FRAME) scanner.readHead(bytes, position, end, this.#limits)
    return found
  }

  #incomplete(bytes: Buffer, position: number, end: number, at: number, left: number, missing: number): number {
    if (left === 0) return position
    this.#resumeAt = at - position
    this.#resumeLeft = left
    if (end - position + missing <= this.host.options.streamRequestsAbove) return position
    return this.#beginUpload(bytes, position, end)
  }

  /** Serves a request that has a handler or must be looked at; returns where to go on: at its start to wait. */
  #special(frame: Frame): number {
    const { host, facts } = this
    const operation = host.operationOf(frame)
    facts.lastOperation = operation
    facts.requestBytes = frame.end - frame.start
    if (this.reply === 'skip-next') this.reply = 'skip'
    const skipping = this.reply === 'skip'
    const next = this.#handle(frame, operation)
    facts.requestBytes = 0
    if (skipping && next !== frame.start && this.reply === 'skip') this.reply = 'on'
    return next
  }

  #handle(frame: Frame, operation: number): number {
    const { host } = this
    if (frame.command < 0 && this.#isCrossProtocol(frame)) {
      host.protocolError('cross-protocol')
      this.destroy()
      return frame.end
    }
    const refusal = host.refusal(this, frame)
    if (refusal) {
      if (this.seat.inMulti) this.seat.poison()
      this.local(refusal)
      host.stats.count(operation, Outcome.REFUSED)
      if (this.facts.earlyOutput > MAX_EARLY_OUTPUT) this.finish()
      return frame.end
    }
    const handler = host.handlers[frame.command]
    this.#answeredWith = 0
    let handled = this.waitsAlone(operation) ? this.pin(Pin.BLOCK) : Handled.FORWARD
    if (handler && handled === Handled.FORWARD) handled = handler(this, frame)
    if (handled === Handled.WAIT) {
      this.awaitReplies()
      return frame.start
    }
    if (handled === Handled.SENT) return frame.end
    if (handled === Handled.DONE) {
      host.stats.count(operation, this.#answeredWith === MINUS ? Outcome.ERROR : Outcome.OK)
      return frame.end
    }
    if (handled !== Handled.FORWARD) return handled
    host.operations[0] = operation
    this.send(frame.bytes, frame.start, frame.end, 1)
    return frame.end
  }

  /** While the server lets writes wait they get connections of their own, as long as there are, so that no read waits behind. */
  waitsAlone(operation: number): boolean {
    const { backend, pool, table } = this.host
    if (!backend.writePause.active || operation === 0 || this.seat.pipeline !== null) return false
    const { WRITE, MAY_REPLICATE } = CommandFlag
    return (table.flags[operation - 1]! & (WRITE | MAY_REPLICATE)) !== 0 && pool.hasRoom(this.protocol)
  }

  /** A browser or a script made to talk to us (Redis does the same): no reply that could be mistaken for one. */
  #isCrossProtocol(frame: Frame): boolean {
    const name = this.args(frame)[0]!.toString('latin1').toLowerCase()
    return name === 'post' || name === 'host:'
  }

  #inline(bytes: Buffer, start: number, end: number): boolean {
    const args = splitInline(bytes.subarray(start, end))
    if (args === null) throw new ProtocolError('inline-quotes', 'Protocol error: unbalanced quotes in request')
    if (args.length === 0) return true
    const frame = encodeCommand(args)
    this.#inlineLimits = true
    try {
      return this.#requests(frame, 0, frame.length) === frame.length
    } finally {
      this.#inlineLimits = false
    }
  }

  #violation(error: ProtocolError): void {
    this.host.protocolError(error.kind)
    if (this.#upload !== null) return this.destroy()
    this.local(Buffer.from(`-ERR ${error.message}\r\n`, 'latin1'))
    this.finish()
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

  /** Sends a request of our own making in the place of the client's. */
  sendRequest(request: Buffer, name: string): void {
    this.host.operations[0] = this.host.table.idOf(name) + 1
    this.send(request, 0, request.length, 1)
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
    this.#answeredWith = reply[0]!
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

  /** Stops reading until `resumeReading` is called. */
  hold(waitsFor: 'upstream' | 'handler' = 'handler'): void {
    if (this.phase !== 'reading') return
    this.phase = 'waiting'
    this.#waitsFor = waitsFor
  }

  /** Stops reading until nothing is outstanding, unless a handler waits for something else. */
  awaitReplies(): void {
    if (this.phase !== 'reading') return
    this.phase = 'waiting'
    this.#waitsFor = 'replies'
    this.#attention = true
  }

  /** What comes next is left to the kernel. Up to here the client's end would still be noticed. */
  get #congested(): boolean {
    if (this.outlet.waiting > this.host.outletLimits.highBytes) return true
    return this.phase === 'waiting' && (this.inboxBytes > WAITING_BYTES || this.#waitsFor === 'upstream')
  }

  get #waitsForUpstream(): boolean {
    return this.phase === 'waiting' && this.#waitsFor === 'upstream'
  }

  /** Answers the request at the head of the inbox, which cannot be served. */
  answerWaitingRequest(reply: Buffer): void {
    const inbox = this.#inbox
    const { scanner } = this.host
    const found = inbox === null ? Scan.MORE : scanner.scan(inbox.bytes, 0, inbox.length, REQUEST_LIMITS)
    const whole = inbox !== null && (found === Scan.FRAME || found === Scan.INLINE)
    this.#resumeLeft = 0
    if (whole) inbox.drop(scanner.end)
    this.local(reply)
    // Without its rest the next request cannot be told apart.
    if (inbox !== null && !whole) return this.finish()
    this.resumeReading()
  }

  // --- Private pipelines ----------------------------------------------------------------------------------------

  /** See PrivateSeat.pin. */
  pin(reason: number, database: number | null = this.database): Handled {
    const handled = this.seat.pin(reason, database)
    this.#watchReplies()
    return handled
  }

  unpin(reasons: number): void {
    this.seat.unpin(reasons)
    this.#watchReplies()
  }

  #watchReplies(): void {
    if (this.draining || this.seat.leaving || (this.seat.pins & TRANSIENT_PINS) !== 0) this.#attention = true
  }

  onPrivateLost(pins: number, error: ProxyError): void {
    this.pipeline = null
    if (this.phase === 'closed') return
    // What its connection has been made into (another user's, a debugger's) no other one is, so the client must know.
    if (pins & Pin.STATE) return this.finish()
    if (this.#upload === null && (pins & Pin.STREAM) === 0) return
    this.refuse(error)
    this.finish()
  }

  // --- Requests too large to keep -------------------------------------------------------------------------------

  #beginUpload(bytes: Buffer, start: number, end: number): number {
    const { scanner, table, operations } = this.host
    if (!this.facts.authenticated) throw new ProtocolError('bulk-length', 'Protocol error: unauthenticated bulk length')
    scanner.readHead(bytes, start, end, REQUEST_LIMITS)
    const command = table.lookup(bytes, scanner.nameStart, scanner.nameEnd)
    const argc = scanner.argc
    const frame: Frame = { bytes, start, end, argc, command, limit: end }
    if (this.reply === 'skip-next') this.reply = 'skip'
    const refusal = this.host.refusal(this, frame, true)
    if (refusal) {
      this.local(refusal)
      this.finish()
      return start
    }
    const handled = this.pin(Pin.UPLOAD)
    if (handled !== Handled.FORWARD) {
      if (handled === Handled.DONE) this.finish()
      else this.awaitReplies()
      return start
    }
    operations[0] = command + 1
    const edge = start + this.#resumeAt
    this.#upload = new Upload(this.#resumeLeft)
    this.#resumeLeft = 0
    this.send(bytes, start, edge, 1)
    if (this.reply === 'skip') this.reply = 'on'
    return this.#pass(bytes, edge, end)
  }

  /** Passes on what belongs to a large request; returns where the next piece or request begins. */
  #pass(bytes: Buffer, from: number, end: number): number {
    const upload = this.#upload!
    const { pipeline } = this.seat
    const position = upload.follow(this.host.scanner, bytes, from, end)
    if (pipeline !== null && position > from && !pipeline.sendPiece(this, bytes, from, position)) {
      this.hold('upstream')
    }
    if (upload.complete) this.#upload = null
    return position
  }

  // --- From the backend -----------------------------------------------------------------------------------------

  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean {
    this.outstanding -= replies
    if (this.phase === 'closed') return false
    const { outlet } = this
    const kept = outlet.writeView(bytes, start, end)
    if (outlet.waiting > 0) this.#onSlow()
    if (this.subscriptions !== null && replies > 0) this.subscriptions.release()
    if (this.outstanding === 0 && this.#attention) this.#settle()
    return kept
  }

  deliverLocal(reply: Buffer): void {
    this.outstanding--
    if (this.phase === 'closed') return
    this.outlet.write(reply)
    if (this.outstanding === 0 && this.#attention) this.#settle()
  }

  fail(replies: number, error: ProxyError, begun: boolean): void {
    this.outstanding -= replies
    if (this.phase === 'closed') return
    // Half a reply has left: nothing can be said any more.
    if (begun) return this.destroy()
    const reply = dress(error)
    for (let i = 0; i < replies; i++) this.outlet.write(reply)
    if (this.outstanding === 0 && this.#attention) this.#settle()
  }

  /** The upstream takes requests again. */
  resume(): void {
    if (this.#waitsForUpstream) this.resumeReading()
  }

  slow(operation: number, durationMs: number): void {
    this.host.slow(this, operation, durationMs)
  }

  /** Nothing is outstanding any more, and something waits for that. */
  #settle(): void {
    this.#attention = false
    this.seat.settle()
    if (this.phase === 'closing') return this.#close()
    if (this.draining && this.idle) return this.finish()
    if (this.draining) this.#attention = true
    if (this.phase === 'waiting' && this.#waitsFor === 'replies') process.nextTick(resumeReading, this)
  }

  // --- Slow clients ---------------------------------------------------------------------------------------------

  #onSlow(): void {
    const { outlet, host, pipeline, seat } = this
    host.watchStall(this)
    if (outlet.waiting <= host.outletLimits.highBytes) return
    this.#pauseInput(true)
    if (pipeline === null || outlet.stalled !== null) return
    if (outlet.waiting <= host.outletLimits.maxBytes && seat.pipeline === null) return
    outlet.stalled = pipeline
    pipeline.pause()
    if (seat.pipeline === null) host.onStalledPipeline(this, pipeline)
  }

  /** The kernel has taken everything. */
  onDrain(): void {
    this.outlet.releaseStalled()
    if (!this.#congested) this.#pauseInput(false)
  }

  #pauseInput(paused: boolean): void {
    if (paused === this.#inputPaused) return
    this.#inputPaused = paused
    if (paused) this.socket.pause()
    else this.socket.resume()
  }

  // --- The end --------------------------------------------------------------------------------------------------

  /** True between requests, when closing loses nothing. */
  get idle(): boolean {
    return this.outstanding === 0 && this.seat.pins === 0 && this.inboxBytes === 0 && this.phase === 'reading'
  }

  /** Closes as soon as that loses nothing. */
  drain(): void {
    this.draining = true
    this.#attention = true
    if (this.idle) this.finish()
  }

  /** The listener has another backend: what is in flight ends on the old one, subscriptions move over. */
  onBackendChanged(before: RedisBackend): void {
    this.subscriptions?.move(before.subscriptions)
  }

  /** RESET: as if the client had just connected. */
  reset(): void {
    this.reply = 'on'
    this.seat.aborted = null
    this.seat.leave()
    this.subscriptions?.close()
    this.subscriptions = null
    this.database = 0
    this.protocol = 2
    this.facts.name = ''
    this.host.deauthenticate(this)
  }

  /** Ends the connection when everything under way is answered. */
  finish(): void {
    if (this.phase === 'closing' || this.phase === 'closed') return
    // Nobody is left to read what it blocks for, or to send the rest.
    const pointless = this.#upload !== null || (this.#ended && (this.seat.pins & IDLE_PINS) !== 0)
    if (pointless) return this.destroy()
    this.phase = 'closing'
    this.#attention = true
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
    this.#inbox = null
    this.subscriptions?.close()
    this.seat.leave()
    this.host.onSessionClosed(this)
  }

  /** The arguments of a request, as far as they are there, as views that live as long as its bytes. */
  args({ bytes, start, end }: Frame): Buffer[] {
    const spans = argumentSpans(bytes, start, end)
    const args: Buffer[] = []
    for (let i = 0; i < spans.length; i += 2) args.push(bytes.subarray(spans[i]!, spans[i + 1]!))
    return args
  }
}

const resumeReading = (session: Session): void => session.resumeReading()
const finish = (session: Session): void => session.finish()
