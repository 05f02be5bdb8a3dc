/** A request too large to keep: how far it has come, while it passes to the backend in pieces. */
import { ProtocolError } from '../../codecs/codec.ts'
import { REQUEST_LIMITS, type RequestScanner, Scan } from '../../codecs/redis/index.ts'
import { type Frame, Handled, Pin } from './command-handler.ts'
import type { Session } from './session.ts'

/** `$536870912\r\n` and then some: what is shorter may still be the head of an argument. */
const HEAD_BYTES = 32

export class Upload {
  /** Arguments that are not whole yet, the one at hand included. */
  #argumentsLeft: number
  /** Bytes of the argument at hand that are still to come; 0 at its head. */
  #bytesLeft = 0

  constructor(argumentsLeft: number) {
    this.#argumentsLeft = argumentsLeft
  }

  get complete(): boolean {
    return this.#argumentsLeft === 0
  }

  /** Passes on what belongs to the request; returns where the next piece or request begins. Throws ProtocolError. */
  pass(session: Session, bytes: Buffer, from: number, end: number): number {
    const { pipeline } = session.seat
    const position = this.follow(session.host.scanner, bytes, from, end)
    if (pipeline !== null && position > from && !pipeline.sendPiece(session, bytes, from, position)) {
      session.hold('upstream')
    }
    return position
  }

  /** Returns up to where the bytes belong to the request and can be passed on. Throws ProtocolError. */
  follow(scanner: RequestScanner, bytes: Buffer, from: number, end: number): number {
    let position = from
    while (this.#argumentsLeft > 0 && position < end) {
      if (this.#bytesLeft > 0) {
        const step = Math.min(this.#bytesLeft, end - position)
        this.#bytesLeft -= step
        position += step
        if (this.#bytesLeft === 0) this.#argumentsLeft--
        continue
      }
      if (scanner.resume(bytes, position, end, this.#argumentsLeft, REQUEST_LIMITS) === Scan.FRAME) {
        this.#argumentsLeft = 0
        return scanner.end
      }
      this.#argumentsLeft = scanner.left
      position = scanner.at
      if (scanner.missing <= 1 && end - position < HEAD_BYTES) return position
      this.#bytesLeft = end - position + scanner.missing
    }
    return position
  }
}

/**
 * Sends the arguments of a request that are there, from `start` to `edge`; `left` others follow. Returns null when it must
 * not be served, or not now.
 */
export function beginUpload(
  session: Session,
  bytes: Buffer,
  start: number,
  edge: number,
  end: number,
  left: number,
): Upload | null {
  const { host } = session
  const { scanner, table } = host
  if (!session.facts.authenticated)
    throw new ProtocolError('bulk-length', 'Protocol error: unauthenticated bulk length')
  scanner.readHead(bytes, start, end, REQUEST_LIMITS)
  const command = table.lookup(bytes, scanner.nameStart, scanner.nameEnd)
  const frame: Frame = { bytes, start, end, argc: scanner.argc, command, limit: end }
  if (session.reply === 'skip-next') session.reply = 'skip'
  const refusal = host.refusal(session, frame, true)
  if (refusal) {
    session.local(refusal)
    session.finish()
    return null
  }
  const handled = session.seat.pin(Pin.UPLOAD)
  if (handled !== Handled.FORWARD) {
    if (handled === Handled.DONE) session.finish()
    else session.awaitReplies()
    return null
  }
  host.operations[0] = command + 1
  session.send(bytes, start, edge, 1)
  if (session.reply === 'skip') session.reply = 'on'
  return new Upload(left)
}
