/**
 * A transaction whose requests are being queued, as far as they are about the client and not about the connection behind
 * it: names, users, subscriptions. The backend queues a PING in the place of such a request (or the request itself, where
 * the connection must follow), and when EXEC has run its element of the reply is made here, in its turn.
 */
import { encodeCommand, encodeError, ReplyScanner } from '../../codecs/redis/index.ts'
import type { Pipeline } from '../../src/backends/redis/index.ts'
import { type Frame, Handled } from './command-handler.ts'
import type { Session } from './session.ts'

/** Makes an element of EXEC's reply out of the backend's; null when it will be given to `later`. */
export type Step = (element: Buffer, later: (made: Buffer) => void) => Buffer | null

/** Of requests with steps in one transaction. */
const MAX_BYTES = 1024 * 1024
/** What a step costs besides the request. */
const STEP_BYTES = 256
const ASTERISK = 42
const NOTHING = Buffer.alloc(0)
const PING = encodeCommand(['PING'])
const TOO_MUCH = encodeError('ERR the transaction holds too many commands about its client')

export class Queued {
  readonly #pipeline: Pipeline
  /** Requests that had been sent when the first one was to be queued; those that are not queued count as such. */
  #before: number
  readonly #steps = new Map<number, Step>()
  #bytes = 0

  /** To be made before MULTI is sent. */
  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
    this.#before = pipeline.ring.sent + 1
  }

  /** Requests queued so far. */
  get length(): number {
    return this.#pipeline.ring.sent - this.#before
  }

  get hasSteps(): boolean {
    return this.#steps.size > 0
  }

  /** The next request is answered, but not queued. */
  skip(): void {
    this.#before++
  }

  /** Takes the step of the request that is sent next; false when there are too many. */
  add(step: Step, bytes: number): boolean {
    this.#bytes += bytes + STEP_BYTES
    if (this.#bytes > MAX_BYTES) return false
    this.#steps.set(this.length, step)
    return true
  }

  /** Makes the client's reply to EXEC out of the backend's; null when it will be given to `later`. */
  answer(session: Session, reply: Buffer, later: (made: Buffer) => void): Buffer | null {
    const elements = split(reply)
    if (elements === null) return session.reply === 'off' ? NOTHING : reply
    const parts = [session.reply === 'off' ? NOTHING : reply.subarray(0, reply.indexOf(10) + 1)]
    return this.#run(session, elements, 0, parts, later)
  }

  /** From element `at` on, in order: what a step does may be seen by the next one. */
  #run(
    session: Session,
    elements: Buffer[],
    at: number,
    parts: Buffer[],
    later: (made: Buffer) => void,
  ): Buffer | null {
    for (let i = at; i < elements.length && session.phase !== 'closed'; i++) {
      const step = this.#steps.get(i)
      if (step === undefined) {
        if (session.reply !== 'off') parts.push(elements[i]!)
        continue
      }
      const made = step(elements[i]!, late => {
        const rest = this.#run(session, elements, i + 1, [...parts, late], later)
        if (rest !== null) later(rest)
      })
      if (made === null) return null
      parts.push(made)
    }
    return Buffer.concat(parts)
  }
}

/** The elements of EXEC's reply; null when it did not run. */
function split(reply: Buffer): Buffer[] | null {
  let position = reply.indexOf(10) + 1
  const count = Number(reply.toString('latin1', 1, position - 2))
  if (reply[0] !== ASTERISK || count < 0) return null
  const scanner = new ReplyScanner()
  const elements: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const end = scanner.scan(reply, position, reply.length)
    elements.push(reply.subarray(position, end))
    position = end
  }
  return elements
}

/** Has the backend queue `request` in the place of the client's. */
export function queue(session: Session, frame: Frame, step: Step, request = PING): Handled {
  const { seat, host } = session
  if (!seat.queued!.add(step, frame.end - frame.start)) {
    seat.poison()
    session.local(TOO_MUCH)
    return Handled.DONE
  }
  host.operations[0] = host.operationOf(frame)
  session.send(request, 0, request.length, 1)
  return Handled.SENT
}
