/**
 * One client: the order of its requests and replies, and the phase it is in. Requests that any connection can serve go
 * to the shared pipeline of its RESP version and database; a command that needs more has a handler (commands/), which
 * may move the session to a private pipeline until its pins are gone.
 */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../codecs/codec.ts'
import {
  argumentSpans,
  encodeCommand,
  REQUEST_LIMITS,
  Scan,
  splitInline,
  UNAUTHENTICATED_LIMITS,
} from '../../codecs/redis/index.ts'
import { nobody, Outcome, type Pipeline, type RedisBackend, type ReplySink } from '../../src/backends/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import type { ClientFacts } from './client-facts.ts'
import { type Frame, Handled, Pin, TRANSIENT_PINS } from './command-handler.ts'
import { dress } from './errors.ts'
import { Inbox } from './inbox.ts'
import { MutedSink } from './muted-sink.ts'
import { Outlet } from './outlet.ts'
import type { SessionHost } from './session-host.ts'
import type { SubscriberState } from './subscriber-state.ts'

/**
 * reading: requests are served as they come. waiting: until replies are in, or something else is. uploading: a request
 * too large to keep passes in pieces. closing: the last reply is on its way. closed: over.
 */
export type Phase = 'reading' | 'waiting' | 'uploading' | 'closing' | 'closed'

/** Pins whose requests may take as long as they like. */
const PATIENT_PINS = Pin.BLOCK | Pin.STREAM | Pin.UPLOAD

export class Session implements ReplySink {
  readonly id: number
  readonly host: SessionHost
  readonly facts: ClientFacts
  readonly socket: Socket
  readonly outlet: Outlet
  /** RESP version. */
  protocol: 2 | 3 = 2
  database = 0
  phase: Phase = 'reading'
  /** Why the session needs a private pipeline; bits of Pin. */
  pins = 0
  /** Requests sent and not answered. */
  outstanding = 0
  /** What the session's requests go to; kept while any is outstanding. */
  pipeline: Pipeline | null = null
  subscriptions: SubscriberState | null = null
  /** The database that a transaction under way will leave selected, or -1. */
  databaseInMulti = -1
  /** Set when a private pipeline was lost inside a transaction, until the transaction is over. */
  aborted = false
  /** CLIENT REPLY: what becomes of the replies to come. */
  reply: 'on' | 'off' | 'skip' = 'on'
  /** To be closed at the next boundary between requests. */
  draining = false
  #private = false
  /** Something is to be done when nothing is outstanding: go on reading, or give the private pipeline back. */
  #attention = false
  #inbox: Inbox | null = null
  #stalled: Pipeline | null = null
  #ended = false
  #resumeAt = 0
  #resumeLeft = 0
  #bulkLeft = 0
  #cancelAcquire: (() => void) | null = null
  #muted: MutedSink | null = null
  #inputPaused = false

  constructor(host: SessionHost, socket: Socket, facts: ClientFacts, id: number) {
    this.id = id
    this.host = host
    this.socket = socket
    this.outlet = new Outlet(socket)
    this.facts = facts
  }

  get stats() {
    return this.host.stats
  }

  get isPrivate(): boolean {
    return this.#private
  }

  get inMulti(): boolean {
    return (this.pins & Pin.MULTI) !== 0
  }

  get subscribed(): boolean {
    return this.subscriptions?.active ?? false
  }

  /** True while a reply has begun to leave and has not ended. */
  get midReply(): boolean {
    return this.outstanding > 0 && this.pipeline !== null && this.pipeline.begun && this.pipeline.ring.sink === this
  }

  /** The file descriptor, for CLIENT LIST. */
  get fd(): number {
    return (this.socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1
  }

  /** As CLIENT LIST shows them. */
  get flags(): string {
    let flags = ''
    if (this.pins & Pin.STREAM) flags += 'O'
    if (this.subscribed) flags += 'P'
    if (this.inMulti) flags += 'x'
    if (this.pins & Pin.BLOCK) flags += 'b'
    if (this.phase === 'closing') flags += 'c'
    return flags === '' ? 'N' : flags
  }

  get inboxBytes(): number {
    return this.#inbox?.length ?? 0
  }

  // --- From the client ------------------------------------------------------------------------------------------

  /** Takes n bytes that were read into the host's buffer. */
  onRead(n: number): void {
    const { bytes, headroom } = this.host.readBuffer
    this.facts.activeAt = this.host.clock.now()
    this.facts.received += n
    if (this.phase === 'closing' || this.phase === 'closed') return
    const inbox = this.#inbox
    if (inbox === null) {
      this.#consume(bytes, headroom, headroom + n)
      return
    }
    if (this.phase !== 'waiting' && inbox.length <= headroom) {
      // The beginning goes in front of what was read: nothing is joined.
      const start = headroom - inbox.length
      inbox.bytes.copy(bytes, start, 0, inbox.length)
      this.#inbox = null
      this.#consume(bytes, start, headroom + n)
      return
    }
    inbox.keep(bytes, headroom, headroom + n)
    if (this.phase !== 'waiting') this.#consumeInbox()
  }

  /** The client will send no more; its replies still go out. */
  onEnd(): void {
    this.#ended = true
    if (this.phase === 'closed') return
    if (this.phase !== 'waiting' || this.inboxBytes === 0) this.finish()
  }

  /** Reads on after `waiting`. */
  resumeReading(): void {
    if (this.phase !== 'waiting') return
    this.phase = 'reading'
    this.#attention = this.#private && this.pins === 0
    if (this.#inbox !== null) this.#consumeInbox()
    if ((this.phase as Phase) !== 'reading') return
    if (this.#ended) return this.finish()
    this.#pauseInput(false)
  }

  #consumeInbox(): void {
    const inbox = this.#inbox!
    this.#inbox = null
    this.#consume(inbox.bytes, 0, inbox.length)
  }

  #consume(bytes: Buffer, from: number, end: number): void {
    let position = from
    try {
      if (this.phase === 'uploading') position = this.#upload(bytes, position, end)
      if (position < end) position = this.#requests(bytes, position, end)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.outlet.uncork()
      this.#violation(error)
      return
    }
    this.outlet.uncork()
    if (position < end && this.phase !== 'closing' && this.phase !== 'closed') this.#keep(bytes, position, end)
    if (this.phase === 'waiting' || this.outlet.waiting > this.host.outletLimits.highBytes) this.#pauseInput(true)
  }

  /** Serves whole requests; returns where it stopped. */
  #requests(bytes: Buffer, from: number, end: number): number {
    const { scanner, table, specials, operations } = this.host
    const guarded = this.facts.guarded || this.aborted || (this.subscribed && this.protocol === 2)
    let position = from
    let runStart = from
    let count = 0
    while (position < end) {
      let found: number
      if (this.#resumeLeft > 0) {
        found = scanner.resume(bytes, position + this.#resumeAt, end, this.#resumeLeft)
        this.#resumeLeft = 0
        if (found === Scan.FRAME) scanner.readHead(bytes, position, end, this.#limits)
      } else found = scanner.scan(bytes, position, end, this.#limits)
      if (found === Scan.FRAME) {
        const frameEnd = scanner.end
        const command = table.lookup(bytes, scanner.nameStart, scanner.nameEnd)
        if (
          (command >= 0 ? specials[command] : specials[specials.length - 1]) === 0 &&
          !guarded &&
          this.reply === 'on'
        ) {
          operations[count++] = command + 1
          position = frameEnd
          if (count === operations.length) {
            this.send(bytes, runStart, position, count)
            count = 0
            runStart = position
            if (this.phase !== 'reading') break
          }
          continue
        }
        if (count > 0) {
          this.send(bytes, runStart, position, count)
          count = 0
          runStart = position
          if (this.phase !== 'reading') break
        }
        const next = this.#special({ bytes, start: position, end: frameEnd, argc: scanner.argc, command, limit: end })
        if (next === position) break
        position = runStart = next
        if (this.phase !== 'reading') break
        continue
      }
      if (count > 0) {
        this.send(bytes, runStart, position, count)
        count = 0
        runStart = position
        if (this.phase !== 'reading') break
      }
      if (found === Scan.EMPTY) position = runStart = scanner.end
      else if (found === Scan.INLINE) {
        const lineEnd = scanner.end
        if (!this.#inline(bytes, position, lineEnd)) break
        position = runStart = lineEnd
        if (this.phase !== 'reading') break
      } else {
        if (scanner.left > 0) {
          this.#resumeLeft = scanner.left
          this.#resumeAt = scanner.at - position
          if (end - position + scanner.missing > this.host.options.streamRequestsAbove)
            return this.#beginUpload(bytes, position, end)
        }
        break
      }
    }
    if (count > 0) this.send(bytes, runStart, position, count)
    return position
  }

  get #limits() {
    return this.facts.authenticated ? REQUEST_LIMITS : UNAUTHENTICATED_LIMITS
  }

  /** Serves a request that has a handler or must be looked at; returns where to go on: at its start to wait. */
  #special(frame: Frame): number {
    const { host } = this
    const refusal = host.refusal(this, frame)
    if (refusal) {
      this.local(refusal)
      host.stats.count(frame.command + 1, Outcome.REFUSED)
      return frame.end
    }
    const handler = frame.command >= 0 ? host.handlers[frame.command] : undefined
    const handled = handler ? handler(this, frame) : Handled.FORWARD
    if (handled === Handled.WAIT) {
      this.#await()
      return frame.start
    }
    if (handled === Handled.DONE) {
      if (this.reply === 'skip' && host.names[frame.command] !== 'client') this.reply = 'on'
      return frame.end
    }
    const end = handled === Handled.FORWARD ? frame.end : handled
    if (handled === Handled.FORWARD) {
      host.operations[0] = frame.command + 1
      this.send(frame.bytes, frame.start, frame.end, 1)
    }
    return end
  }

  #inline(bytes: Buffer, start: number, end: number): boolean {
    const args = splitInline(bytes.subarray(start, end))
    if (args === null) throw new ProtocolError('inline-quotes', 'Protocol error: unbalanced quotes in request')
    if (args.length === 0) return true
    const name = args[0]!.toString('latin1').toLowerCase()
    // A browser or a script made to talk to us (Redis does the same): no reply that could be mistaken for one.
    if (name === 'post' || name === 'host:') {
      this.host.protocolError('cross-protocol')
      this.destroy()
      return false
    }
    const frame = encodeCommand(args)
    const consumed = this.#requests(frame, 0, frame.length)
    return consumed === frame.length
  }

  #violation(error: ProtocolError): void {
    this.host.protocolError(error.kind)
    this.local(Buffer.from(`-ERR ${error.message}\r\n`))
    this.finish()
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const inbox = (this.#inbox ??= new Inbox())
    // `bytes` may be the inbox that is being read: then it is a new one by now.
    inbox.keep(bytes, start, end)
  }

  // --- To the backend -------------------------------------------------------------------------------------------

  /** Sends whole requests whose operations stand in the host's scratch array. */
  send(bytes: Buffer, start: number, end: number, count: number): void {
    const pipeline = this.#target()
    if (pipeline === null) return this.#unavailable(count)
    if (this.reply !== 'on') return this.#sendMuted(pipeline, bytes, start, end, count)
    this.outstanding += count
    if (!pipeline.send(this, bytes, start, end, count, this.host.operations)) this.#await('upstream')
  }

  /** Where requests go now; null while the backend is away. */
  #target(): Pipeline | null {
    if (this.outstanding > 0 || this.#private) return this.pipeline
    this.pipeline = this.host.lane(this.protocol, this.database).pipeline
    return this.pipeline
  }

  #unavailable(count: number): void {
    const { host } = this
    const error = host.lane(this.protocol, this.database).refusal
    const reply = dress(error)
    this.outlet.cork()
    for (let i = 0; i < count; i++) {
      host.stats.count(host.operations[i]!, Outcome.UNAVAILABLE)
      this.local(reply)
    }
  }

  #sendMuted(pipeline: Pipeline, bytes: Buffer, start: number, end: number, count: number): void {
    if (this.reply === 'skip') this.reply = 'on'
    this.#muted ??= new MutedSink(this)
    this.outstanding += count
    pipeline.send(this.#muted, bytes, start, end, count, this.host.operations)
  }

  /** Sends one request whose reply another sink takes, which passes it on with `deliver`. */
  sendFor(sink: ReplySink, request: Buffer, operation: number): void {
    const pipeline = this.#target()
    this.host.operations[0] = operation
    if (pipeline === null) return this.#unavailable(1)
    this.outstanding++
    pipeline.send(sink, request, 0, request.length, 1, this.host.operations)
  }

  /** Answers by ourselves, behind the replies that are still to come. */
  local(reply: Buffer): void {
    if (this.phase === 'closed' || this.reply !== 'on') return
    if (this.outstanding > 0 && this.pipeline !== null) return this.pipeline.sendLocal(this, reply)
    this.outlet.cork()
    this.outlet.write(reply)
    if (this.phase !== 'reading') this.outlet.uncork()
  }

  /** Stops reading until nothing is outstanding (or the pipeline takes requests again). */
  #await(what: 'replies' | 'upstream' | 'other' = 'replies'): void {
    if (this.phase !== 'reading') return
    this.phase = 'waiting'
    if (what === 'upstream') return
    this.#attention = true
  }

  /** Stops reading until `resumeReading` is called. */
  hold(): void {
    if (this.phase === 'reading') this.phase = 'waiting'
  }

  // --- Private pipelines ----------------------------------------------------------------------------------------

  /**
   * Pins the session to a private pipeline. Returns what the handler is to return: FORWARD when it has one, WAIT until
   * then; the handler is called again with the same request.
   */
  pin(reason: number): Handled {
    if (this.#private) {
      this.pins |= reason
      this.#attention = (this.pins & ~TRANSIENT_PINS) === 0
      if (reason & PATIENT_PINS && this.pipeline) this.pipeline.patient = true
      return Handled.FORWARD
    }
    if (this.outstanding > 0) return Handled.WAIT
    if (this.#cancelAcquire) return Handled.WAIT
    let now: Pipeline | null = null
    let failed: ProxyError | null = null
    let returned = false
    this.#cancelAcquire = this.host.pool.acquire(this.protocol, this.database, {
      onPrivate: pipeline => {
        now = pipeline
        this.#cancelAcquire = null
        this.#enterPrivate(pipeline, reason)
        if (returned) this.resumeReading()
      },
      onNoPrivate: error => {
        failed = error
        this.#cancelAcquire = null
        if (!returned) return
        this.#skipWaitingRequest(error)
      },
    })
    returned = true
    if (now) {
      this.#cancelAcquire = null
      return Handled.FORWARD
    }
    if (failed) {
      this.#cancelAcquire = null
      this.local(dress(failed))
      return Handled.DONE
    }
    this.phase = 'waiting'
    this.#attention = false
    return Handled.WAIT
  }

  /** The request at the head of the inbox cannot be served. */
  #skipWaitingRequest(error: ProxyError): void {
    const inbox = this.#inbox
    if (
      inbox &&
      inbox.length > 0 &&
      this.host.scanner.scan(inbox.bytes, 0, inbox.length, REQUEST_LIMITS) === Scan.FRAME
    ) {
      inbox.drop(this.host.scanner.end)
      this.local(dress(error))
      this.outlet.uncork()
    } else if (inbox) {
      // The beginning of a request that was to pass in pieces: its rest cannot be told apart any more.
      this.local(dress(error))
      this.finish()
      return
    }
    this.resumeReading()
  }

  #enterPrivate(pipeline: Pipeline, reason: number): void {
    this.#private = true
    this.pipeline = pipeline
    this.pins = reason
    this.#attention = (reason & ~TRANSIENT_PINS) === 0
    this.host.pool.onLost(pipeline, error => this.#onPrivateLost(error))
    pipeline.subscriber = this
    pipeline.patient = (reason & PATIENT_PINS) !== 0
  }

  unpin(reasons: number): void {
    this.pins &= ~reasons
    // Given back when the request that ends it, which is yet to be sent, is answered.
    if (this.#private && this.pins === 0) this.#attention = true
  }

  #leavePrivate(): void {
    const pipeline = this.pipeline!
    this.#private = false
    this.pipeline = null
    if (this.#stalled === pipeline) this.#stalled = null
    this.host.pool.release(pipeline)
  }

  #onPrivateLost(error: ProxyError): void {
    this.#private = false
    this.pipeline = null
    const pins = this.pins
    this.pins = 0
    this.databaseInMulti = -1
    if (this.phase === 'closed') return
    if (pins & Pin.STREAM || this.phase === 'uploading') {
      this.local(dress(error))
      return this.finish()
    }
    if (pins & (Pin.MULTI | Pin.WATCH)) this.aborted = true
  }

  // --- Requests too large to keep -------------------------------------------------------------------------------

  #beginUpload(bytes: Buffer, start: number, end: number): number {
    if (this.facts.authenticated === false)
      throw new ProtocolError('bulk-length', 'Protocol error: unauthenticated bulk length')
    const { scanner, table, host } = { scanner: this.host.scanner, table: this.host.table, host: this.host }
    scanner.end = end
    scanner.readHead(bytes, start, end, REQUEST_LIMITS)
    const command = scanner.nameEnd + 2 <= end ? table.lookup(bytes, scanner.nameStart, scanner.nameEnd) : -1
    const resumeLeft = this.#resumeLeft
    const resumeAt = this.#resumeAt
    const handled = this.pin(Pin.UPLOAD)
    if (handled !== Handled.FORWARD) {
      if (handled === Handled.WAIT) this.#await()
      else this.finish()
      this.#resumeLeft = resumeLeft
      this.#resumeAt = resumeAt
      return start
    }
    if (this.pipeline === null) return start
    host.operations[0] = command + 1
    this.outstanding++
    // What is whole goes ahead, the argument at hand follows in pieces.
    const edge = start + resumeAt
    this.pipeline.send(this, bytes, start, edge, 1, host.operations)
    this.phase = 'uploading'
    this.#bulkLeft = 0
    return this.#upload(bytes, edge, end)
  }

  /** Passes pieces of a large request on; returns where the next piece or request begins. */
  #upload(bytes: Buffer, from: number, end: number): number {
    const { scanner } = this.host
    const pipeline = this.pipeline!
    let position = from
    let open = true
    if (this.#bulkLeft > 0) {
      const step = Math.min(this.#bulkLeft, end - position)
      open = pipeline.sendPiece(this, bytes, position, position + step)
      position += step
      this.#bulkLeft -= step
      if (this.#bulkLeft === 0) this.#resumeLeft--
    }
    while (this.#bulkLeft === 0 && this.#resumeLeft > 0 && position < end) {
      const found = scanner.resume(bytes, position, end, this.#resumeLeft)
      const edge = found === Scan.FRAME ? scanner.end : scanner.at
      if (edge > position) open = pipeline.sendPiece(this, bytes, position, edge)
      position = edge
      if (found === Scan.FRAME) {
        this.#resumeLeft = 0
        break
      }
      this.#resumeLeft = scanner.left
      if (scanner.missing <= 1 && end - position < 32) break
      // A bulk that is not there whole: its head and what there is of it.
      const whole = end - position + scanner.missing
      open = pipeline.sendPiece(this, bytes, position, end)
      this.#bulkLeft = whole - (end - position)
      position = end
    }
    if (this.#resumeLeft === 0 && this.#bulkLeft === 0) this.phase = 'reading'
    if (!open) this.#pauseInput(true)
    return position
  }

  // --- From the backend -----------------------------------------------------------------------------------------

  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean {
    this.outstanding -= replies
    if (this.phase === 'closed') return false
    const { outlet } = this
    const kept = outlet.writeView(bytes, start, end)
    if (outlet.waiting > 0) this.#onSlow()
    if (this.outstanding === 0 && this.#attention) this.#settle()
    if (replies > 0 && this.subscriptions !== null) this.subscriptions.release()
    return kept
  }

  deliverLocal(reply: Buffer): void {
    if (this.phase === 'closed') return
    this.outlet.write(reply)
  }

  fail(replies: number, error: ProxyError, begun: boolean): void {
    this.outstanding -= replies
    if (this.phase === 'closed') return
    const outcome =
      error.code === 'upstream-timeout' ? Outcome.TIMEOUT : error.retryable ? Outcome.UNAVAILABLE : Outcome.LOST
    for (let i = 0; i < replies; i++) this.stats.count(0, outcome)
    // Half a reply has left: nothing can be said any more.
    if (begun) return this.destroy()
    const reply = dress(error)
    for (let i = 0; i < replies; i++) this.outlet.write(reply)
    if (this.outstanding === 0 && this.#attention) this.#settle()
  }

  /** The upstream takes requests again. */
  resume(): void {
    if (this.phase === 'waiting' && !this.#attention && this.#cancelAcquire === null) this.resumeReading()
    else if (this.phase === 'uploading') this.#pauseInput(false)
  }

  slow(operation: number, durationMs: number): void {
    this.host.slow(this, operation, durationMs)
  }

  /** Nothing is outstanding any more, and something waits for that. */
  #settle(): void {
    this.#attention = this.draining
    this.pins &= ~TRANSIENT_PINS
    if (this.#private && this.pins === 0) this.#leavePrivate()
    if (this.draining && this.idle) return this.finish()
    if (this.phase === 'waiting') process.nextTick(resumeReading, this)
    else if (this.phase === 'closing') this.#close()
  }

  /** Asks to be settled when nothing is outstanding. */
  settleLater(): void {
    this.#attention = true
  }

  // --- Slow clients ---------------------------------------------------------------------------------------------

  #onSlow(): void {
    const { outlet, host } = this
    host.watchStall(this)
    if (outlet.waiting <= host.outletLimits.highBytes) return
    this.#pauseInput(true)
    if (outlet.waiting <= host.outletLimits.maxBytes && !this.#private) return
    const pipeline = this.pipeline
    if (pipeline === null || this.#stalled) return
    this.#stalled = pipeline
    pipeline.pause()
    if (!this.#private) host.onStalledPipeline(this, pipeline)
  }

  /** The kernel has taken everything. */
  onDrain(): void {
    const stalled = this.#stalled
    this.#stalled = null
    stalled?.unpause()
    if (this.phase === 'reading') this.#pauseInput(false)
  }

  get stalled(): Pipeline | null {
    return this.#stalled
  }

  #pauseInput(paused: boolean): void {
    if (paused === this.#inputPaused) return
    this.#inputPaused = paused
    if (paused) this.socket.pause()
    else this.socket.resume()
  }

  // --- For handlers -----------------------------------------------------------------------------------------------

  /** Sends a request of our own making in the place of the client's. */
  sendRequest(request: Buffer, name: string): void {
    this.host.operations[0] = this.host.table.idOf(name) + 1
    this.send(request, 0, request.length, 1)
  }

  /** Pins as soon as nothing is outstanding, without a request of its own. */
  pinWhenIdle(reason: number, done: () => void): void {
    if (this.phase === 'closed' || this.#private) return done()
    if (this.outstanding > 0) {
      this.host.clock.after(1, () => this.pinWhenIdle(reason, done))
      return
    }
    this.host.pool.acquire(this.protocol, this.database, {
      onPrivate: pipeline => {
        if (this.phase === 'closed' || this.#private) this.host.pool.release(pipeline)
        else this.#enterPrivate(pipeline, reason)
        done()
      },
      onNoPrivate: done,
    })
  }

  /** Closes when the replies that are due, the one given next included, have left. */
  finishAfterReply(): void {
    process.nextTick(() => this.finish())
  }

  /** RESET: as if the client had just connected. */
  reset(): void {
    this.reply = 'on'
    this.aborted = false
    this.databaseInMulti = -1
    if (this.#private) {
      const state = this.pins & (Pin.STATE | Pin.STREAM)
      if (state) {
        const pipeline = this.pipeline!
        this.#private = false
        this.pipeline = null
        this.pins = 0
        this.host.pool.discard(pipeline)
      } else this.#abandonPrivate()
      this.pins = 0
    }
    this.subscriptions?.close()
    this.subscriptions = null
    this.database = 0
    this.protocol = 2
    this.facts.name = ''
    this.host.deauthenticate(this)
  }

  /** The listener has another backend: what is in flight ends on the old one, subscriptions move over. */
  onBackendChanged(before: RedisBackend): void {
    this.subscriptions?.move(before.subscriptions)
    if (this.#private && this.pins === 0 && this.outstanding === 0) this.#leavePrivate()
  }

  /** Closes as soon as that loses nothing. */
  drain(): void {
    if (this.idle || this.subscribed) return this.finish()
    this.draining = true
    this.#attention = true
  }

  // --- The end --------------------------------------------------------------------------------------------------

  /** True between requests, when closing loses nothing. */
  get idle(): boolean {
    return this.outstanding === 0 && this.pins === 0 && this.inboxBytes === 0 && this.phase === 'reading'
  }

  /** Ends the connection when everything under way is answered. */
  finish(): void {
    if (this.phase === 'closing' || this.phase === 'closed') return
    if (this.phase === 'uploading' || (this.pins & (Pin.BLOCK | Pin.STREAM) && this.#ended)) return this.destroy()
    this.phase = 'closing'
    this.#attention = true
    if (this.outstanding === 0) this.#close()
  }

  #close(): void {
    this.outlet.uncork()
    this.socket.end()
    this.#cleanUp()
  }

  destroy(): void {
    if (this.phase === 'closed') return
    this.socket.destroy()
    this.#cleanUp()
  }

  #cleanUp(): void {
    if (this.phase === 'closed') return
    this.phase = 'closed'
    this.#stalled?.unpause()
    this.#stalled = null
    this.#cancelAcquire?.()
    this.#cancelAcquire = null
    this.#inbox = null
    this.subscriptions?.close()
    if (this.#private) this.#abandonPrivate()
    this.host.onSessionClosed(this)
  }

  /** Gives a private pipeline back if its state can be undone by a command, else ends it. */
  #abandonPrivate(): void {
    const pipeline = this.pipeline!
    this.#private = false
    this.pipeline = null
    const known = (this.pins & ~(Pin.MULTI | Pin.WATCH)) === 0
    if (!known || this.outstanding > 0 || this.databaseInMulti >= 0) return this.host.pool.discard(pipeline)
    if (this.pins !== 0) {
      const undo = encodeCommand([this.inMulti ? 'DISCARD' : 'UNWATCH'])
      this.host.operations[0] = 0
      pipeline.send(nobody, undo, 0, undo.length, 1, this.host.operations)
    }
    this.host.pool.release(pipeline)
  }

  /** The arguments of a request, as views that live as long as its bytes. */
  args(frame: Frame): Buffer[] {
    const spans = argumentSpans(frame.bytes, frame.start)
    const args: Buffer[] = []
    for (let i = 0; i < spans.length; i += 2) args.push(frame.bytes.subarray(spans[i]!, spans[i + 1]!))
    return args
  }
}

function resumeReading(session: Session): void {
  session.resumeReading()
}
