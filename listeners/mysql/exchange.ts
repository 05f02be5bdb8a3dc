/**
 * A command on its way: it is sent to the connection at hand, in pieces when it is large, and its response is followed to
 * the client. Or a request that is not simply the client's, with a response that is looked at here.
 */
import {
  COM_QUERY,
  COM_STMT_EXECUTE,
  commandFacts,
  ERR_HEADER,
  type ErrorPacket,
  encodeErr,
  PACKET_HEADER_BYTES,
  queryWithoutAttributes,
  type ResponseTracker,
  type ServerError,
  ServerErrors,
  StatementFlag,
  StatementScanner,
} from '../../codecs/mysql/index.ts'
import { isReadOnlyRefusal, type Recipient, ServerRefusal, type Upstream } from '../../src/backends/mysql/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import { isForgotten } from './commands/index.ts'
import { errorOf, TOO_LONG_FOR_ATTRIBUTES } from './errors.ts'
import { Pin } from './pin.ts'
import { isRefusedWhole } from './repeats.ts'
import type { Session } from './session.ts'

/** How a request that is not simply the client's is sent, and what is done with the response. */
export interface SendOptions {
  /** Of COM_STMT_PREPARE: what the client knows the statement as. */
  readonly statementId?: number
  /** The response is kept for `done`, up to a bound. */
  readonly record?: boolean
  /** The response is not for the client. */
  readonly silent?: boolean
  /** The client waits for nothing: its command is over. */
  readonly isAside?: boolean
  /** Of an error that nobody has seen yet: true when the command at hand is to be repeated. */
  mend?(error: ErrorPacket): boolean
  done(tracker: ResponseTracker, response: Buffer | null): void
}

const MAX_RECORD_BYTES = 64 * 1024
/** In the place of an error's number: none. */
const PROGRESS_REPORT = 0xffff
const READ_ONLY = encodeErr(1, ServerErrors.readOnlyTransaction)

export class Exchange implements Recipient {
  readonly #session: Session
  /** Bytes of the response have gone to the client. */
  #begun = false
  #options: SendOptions | null = null
  /** A server's refusal to write that the client does not get, unless it must. */
  #withheld: Buffer | null = null
  #recorded: Buffer[] = []
  #recordedBytes = 0
  #pieces: StatementScanner | null = null
  /** What came last of a file was not the end of its packet. */
  #isInFilePacket = false

  constructor(session: Session) {
    this.#session = session
  }

  // --- The request -------------------------------------------------------------------------------------------------

  /** Sends the command at hand; its response is the client's. */
  pass(upstream: Upstream, request: Buffer): void {
    const session = this.#session
    const { command, partial } = session.request
    const packet = upstream.stripsAttributes && command === COM_QUERY ? queryWithoutAttributes(request) : request
    if (packet === null) return session.refuse(TOO_LONG_FOR_ATTRIBUTES)
    const isAnswered = commandFacts(command).response !== 'none'
    this.#begun = false
    if (isAnswered) upstream.expect(command, this)
    else session.host.observer.answeredHere(session, Outcome.OK)
    session.phase = partial ? 'uploading' : isAnswered ? 'busy' : 'ready'
    if (!upstream.write(packet, true) && partial) this.#pauseFor(upstream)
    if (session.phase !== 'busy') session.goOn()
  }

  /** Sends a request whose response is looked at by the one who asks. */
  send(upstream: Upstream, command: number, packet: Buffer, options: SendOptions): void {
    this.#options = options
    this.#begun = false
    this.#session.phase = 'busy'
    upstream.expect(command, this, options.statementId ?? 0)
    upstream.write(packet, true)
  }

  /** The statement comes in pieces, of which this is the first: it is looked at as it passes. */
  scanPieces(packet: Buffer, start: number): void {
    const session = this.#session
    this.#pieces = new StatementScanner()
    this.#pieces.begin(session.scanMode)
    this.#pieces.write(packet, start, packet.length)
  }

  /** Passes on a further piece of a large command, or of a file. */
  onPiece(piece: Buffer, partial: boolean): void {
    const session = this.#session
    if (session.phase === 'infile') return this.#onFilePiece(piece, partial)
    const upstream = session.upstream!
    if (!upstream.write(piece, true)) this.#pauseFor(upstream)
    this.#pieces?.write(piece, 0, piece.length)
    if (!partial) session.phase = commandFacts(session.request.command).response === 'none' ? 'ready' : 'busy'
  }

  #onFilePiece(piece: Buffer, partial: boolean): void {
    const session = this.#session
    // An empty packet ends the file.
    const isEnd = piece.length === PACKET_HEADER_BYTES && !this.#isInFilePacket
    this.#isInFilePacket = partial
    const upstream = session.upstream!
    if (!upstream.write(piece, true)) this.#pauseFor(upstream)
    if (isEnd) session.phase = 'busy'
  }

  #pauseFor(upstream: Upstream): void {
    const { downstream } = this.#session
    downstream.pause()
    upstream.onceDrained(() => downstream.resume())
  }

  // --- The response ------------------------------------------------------------------------------------------------

  get stripTrackers(): boolean {
    return this.#session.host.hidesTrackers(this.#session)
  }

  get showAllTrackers(): boolean {
    const { pins, facts } = this.#session
    return (pins & Pin.SESSION_TRACK) !== 0 || (facts.flags & StatementFlag.SESSION_TRACK) !== 0
  }

  get allowLocalInfile(): boolean {
    return this.#session.host.allowsLocalInfile(this.#session)
  }

  onResponse(bytes: Buffer, owned: boolean): boolean {
    const options = this.#options
    if (options?.record && this.#recordedBytes < MAX_RECORD_BYTES) {
      this.#recorded.push(Buffer.from(bytes))
      this.#recordedBytes += bytes.length
    }
    if (options?.silent) return true
    if (!this.#begun && bytes[PACKET_HEADER_BYTES] === ERR_HEADER && this.#mayMend(bytes)) {
      this.#withheld = Buffer.from(bytes)
      return true
    }
    return this.#passOn(bytes, owned)
  }

  #passOn(bytes: Buffer, owned: boolean): boolean {
    const session = this.#session
    this.#begun = true
    session.responseBytes += bytes.length
    session.host.sent(bytes.length)
    return session.downstream.write(bytes, owned)
  }

  onResponseEnd(tracker: ResponseTracker): void {
    const session = this.#session
    const upstream = session.upstream!
    const options = this.#options
    if (options?.mend && this.#withheld && options.mend(tracker.error!)) {
      this.#forget()
      return session.repeat()
    }
    if (options) {
      this.#options = null
      options.done(tracker, this.#takeRecord())
      if (options.silent) return
    }
    if (this.#withheld) {
      const withheld = this.#withheld
      this.#withheld = null
      if (this.#repeatElsewhere(tracker)) return
      if (session.request.command === COM_STMT_EXECUTE && isForgotten(session, upstream, tracker.error!))
        return session.repeat()
      this.#passOn(this.#isForReader(upstream, tracker) ? READ_ONLY : withheld, true)
    }
    if (this.#pieces) {
      this.#pieces.end()
      session.note(session.host.observer.facts(this.#pieces))
      this.#pieces = null
    }
    session.onAnswered(upstream, tracker)
  }

  /** An error may be one that the client need not see. */
  #mayMend(bytes: Buffer): boolean {
    const { request, backend } = this.#session
    if (bytes.readUInt16LE(PACKET_HEADER_BYTES + 1) === PROGRESS_REPORT) return false
    if (this.#options) return this.#options.mend !== undefined
    return backend.failsOver || request.command === COM_STMT_EXECUTE
  }

  /** The request that was looked at here has had no response. */
  #forget(): void {
    this.#options = null
    this.#withheld = null
    this.#takeRecord()
  }

  /** The server has refused to write: another one is the primary now, or will be. True if the command goes there. */
  #repeatElsewhere({ error }: ResponseTracker): boolean {
    const session = this.#session
    const upstream = session.upstream!
    if (!error || upstream.facts.purpose === 'read' || !isReadOnlyRefusal(error)) return false
    session.backend.onReadOnly(upstream)
    if (!session.mayRepeat || !isRefusedWhole(session.facts)) return false
    session.lease.release()
    session.repeat()
    return true
  }

  /** A replica refuses to write: on the primary it would have been the transaction that does not allow it. */
  #isForReader({ facts }: Upstream, { error }: ResponseTracker): boolean {
    return facts.purpose === 'read' && error !== null && isReadOnlyRefusal(error)
  }

  #takeRecord(): Buffer | null {
    const isWhole = this.#recordedBytes > 0 && this.#recordedBytes < MAX_RECORD_BYTES
    const record = isWhole ? Buffer.concat(this.#recorded) : null
    this.#recorded = []
    this.#recordedBytes = 0
    return record
  }

  onLocalInfile(tracker: ResponseTracker): void {
    const session = this.#session
    session.phase = 'infile'
    this.#isInFilePacket = false
    session.downstream.input.expect((tracker.sequence + 1) & 0xff)
    session.goOn()
  }

  onAuthQuestion(tracker: ResponseTracker): void {
    const session = this.#session
    session.phase = 'answering'
    session.downstream.input.expect((tracker.sequence + 1) & 0xff)
    session.goOn()
  }

  /** The client's answer to the server's question. */
  onAuthAnswer(packet: Buffer): void {
    this.#session.phase = 'busy'
    this.#session.upstream!.write(packet, true)
  }

  onLost(error: ProxyError, tracker: ResponseTracker): void {
    const session = this.#session
    const { phase, isMovable } = session
    const options = this.#options
    session.lease.upstream = null
    this.#options = null
    this.#withheld = null
    if (phase === 'closed') return
    if (options?.isAside) {
      session.pins &= ~Pin.DIAGNOSTICS
      return session.answered()
    }
    // Preparing is no execution; and what did not leave, or came when the server had said goodbye, did not run.
    if (!this.#begun && phase === 'busy' && (error.retryable || options) && session.mayRepeat) return session.repeat()
    session.host.observer.failed(session, error)
    // In the middle of a packet no further one can be sent.
    if (this.#begun && !tracker.betweenPackets) return session.destroy()
    // Who sends a file does not listen, and takes an answer that comes too early for that to the whole.
    if (phase === 'infile') return session.close()
    session.fail(lostError(error), undefined, this.#begun ? (tracker.sequence + 1) & 0xff : 1)
    if (!isMovable || phase === 'uploading') session.close()
    else session.answered()
  }
}

/** In the words of the server, where it has said why. */
function lostError(error: ProxyError): ServerError {
  if (error instanceof ServerRefusal) return errorOf(error)
  return { ...ServerErrors.serverLost, message: `${ServerErrors.serverLost.message}: ${error.message}` }
}
