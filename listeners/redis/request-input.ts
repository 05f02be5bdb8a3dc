/**
 * What a client sends, up to the single request: whole requests that any connection can serve leave as they lie, in runs;
 * each of the others is served by itself (serve.ts). The beginning of one is kept, or passes in pieces if it is too large.
 */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  encodeCommand,
  REQUEST_LIMITS,
  type RequestLimits,
  Scan,
  splitInline,
  UNAUTHENTICATED_LIMITS,
} from '../../codecs/redis/index.ts'
import { Inbox } from './inbox.ts'
import { serve } from './serve.ts'
import type { Session } from './session.ts'
import { beginUpload, type Upload } from './upload.ts'

/** Kept at most of what a client sends while it waits. */
const WAITING_BYTES = 64 * 1024

export class RequestInput {
  /** The client will send no more. */
  ended = false
  readonly #session: Session
  #inbox: Inbox | null = null
  /** Of the request at the head of the inbox: where its first argument that is not whole begins, and how many are left. */
  #resumeAt = 0
  #resumeLeft = 0
  #upload: Upload | null = null
  /** What is served was a line, whose own limits it has kept. */
  #inlineLimits = false
  #paused = false

  constructor(session: Session) {
    this.#session = session
  }

  /** Bytes that are kept. */
  get waiting(): number {
    return this.#inbox?.length ?? 0
  }

  /** A request passes in pieces. */
  get uploading(): boolean {
    return this.#upload !== null
  }

  /** Takes n bytes that were read into the host's buffer. */
  onRead(n: number): void {
    const session = this.#session
    const { phase, facts, host } = session
    if (phase === 'closing' || phase === 'closed') return
    const { bytes, headroom } = host.readBuffer
    facts.activeAt = host.clock.now()
    facts.received += n
    const inbox = this.#inbox
    if (inbox === null) return this.#consume(bytes, headroom, headroom + n)
    if (phase !== 'waiting' && inbox.length <= headroom) {
      // The beginning goes in front of what was read: nothing is joined.
      const start = headroom - inbox.length
      inbox.bytes.copy(bytes, start, 0, inbox.length)
      this.#inbox = null
      return this.#consume(bytes, start, headroom + n)
    }
    inbox.keep(bytes, headroom, headroom + n)
    if (phase !== 'waiting') return this.#consumeInbox()
    this.pauseIfCongested()
  }

  /** The session reads on. */
  resume(): void {
    if (this.#inbox !== null) this.#consumeInbox()
    const session = this.#session
    if (session.phase !== 'reading') return
    if (this.ended) return session.finish()
    this.resumeUnlessCongested()
  }

  /** What comes next is left to the kernel. Up to here the client's end would still be noticed. */
  get #congested(): boolean {
    const { outlet, host, phase, waitsFor } = this.#session
    if (outlet.waiting > host.outletLimits.highBytes) return true
    return phase === 'waiting' && (this.waiting > WAITING_BYTES || waitsFor === 'upstream')
  }

  pauseIfCongested(): void {
    if (this.#paused || !this.#congested) return
    this.#paused = true
    this.#session.socket.pause()
  }

  resumeUnlessCongested(): void {
    if (!this.#paused || this.#congested) return
    this.#paused = false
    this.#session.socket.resume()
  }

  /** Answers the request that waits at the head, which cannot be served. */
  answerFirst(reply: Buffer): void {
    const session = this.#session
    const inbox = this.#inbox
    const { scanner } = session.host
    const found = inbox === null ? Scan.MORE : scanner.scan(inbox.bytes, 0, inbox.length, REQUEST_LIMITS)
    const whole = inbox !== null && (found === Scan.FRAME || found === Scan.INLINE)
    this.#resumeLeft = 0
    if (whole) inbox.drop(scanner.end)
    session.local(reply)
    // Without its rest the next request cannot be told apart.
    if (inbox !== null && !whole) return session.finish()
    session.resumeReading()
  }

  clear(): void {
    this.#inbox = null
  }

  #consumeInbox(): void {
    const inbox = this.#inbox!
    this.#inbox = null
    this.#consume(inbox.bytes, 0, inbox.length)
  }

  #consume(bytes: Buffer, from: number, end: number): void {
    const session = this.#session
    let position = from
    try {
      if (this.#upload !== null) position = this.#pass(this.#upload, bytes, position, end)
      if (position < end && this.#upload === null && session.phase === 'reading')
        position = this.#requests(bytes, position, end)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#violation(error)
      return
    }
    session.outlet.uncork()
    if (session.phase === 'closing' || session.phase === 'closed') return
    if (position < end) (this.#inbox ??= new Inbox()).keep(bytes, position, end)
    this.pauseIfCongested()
  }

  /** Serves the requests that are whole; returns where the rest begins. */
  #requests(bytes: Buffer, from: number, end: number): number {
    const session = this.#session
    const { scanner, table, specials, operations } = session.host
    const { plain } = session
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
          session.send(bytes, runStart, position, count)
          count = 0
          runStart = position
          if (session.phase !== 'reading') return position
        }
        if (found === Scan.MORE) return this.#incomplete(bytes, position, end, at, left, missing)
        let next = frameEnd
        if (found === Scan.FRAME) {
          const command = table.lookup(bytes, scanner.nameStart, scanner.nameEnd)
          next = serve(session, { bytes, start: position, end: frameEnd, argc, command, limit: end })
        } else if (found === Scan.INLINE && !this.#inline(bytes, position, frameEnd)) next = position
        position = runStart = next
        if (session.phase !== 'reading') return position
        // A handler may have changed what the loop goes by.
        if (plain !== session.plain) return position < end ? this.#requests(bytes, position, end) : position
      }
    } catch (error) {
      // What came before a broken request is served.
      if (count > 0) session.send(bytes, runStart, position, count)
      throw error
    }
    if (count > 0) session.send(bytes, runStart, position, count)
    return position
  }

  get #limits(): RequestLimits {
    return this.#session.facts.authenticated || this.#inlineLimits ? REQUEST_LIMITS : UNAUTHENTICATED_LIMITS
  }

  #resume(bytes: Buffer, position: number, end: number): number {
    const { scanner } = this.#session.host
    const found = scanner.resume(bytes, position + this.#resumeAt, end, this.#resumeLeft, this.#limits)
    this.#resumeLeft = 0
    if (found === Scan.FRAME) scanner.readHead(bytes, position, end, this.#limits)
    return found
  }

  #incomplete(bytes: Buffer, position: number, end: number, at: number, left: number, missing: number): number {
    if (left === 0) return position
    this.#resumeAt = at - position
    this.#resumeLeft = left
    if (end - position + missing <= this.#session.host.options.streamRequestsAbove) return position
    const upload = beginUpload(this.#session, bytes, position, at, end, left)
    if (upload === null) return position
    this.#resumeLeft = 0
    this.#upload = upload
    return this.#pass(upload, bytes, at, end)
  }

  /** Returns where the next piece or request begins. */
  #pass(upload: Upload, bytes: Buffer, from: number, end: number): number {
    const position = upload.pass(this.#session, bytes, from, end)
    if (upload.complete) this.#upload = null
    return position
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
    const session = this.#session
    session.host.protocolError(error.kind)
    if (this.#upload !== null) return session.destroy()
    session.local(Buffer.from(`-ERR ${error.message}\r\n`, 'latin1'))
    session.finish()
  }
}
