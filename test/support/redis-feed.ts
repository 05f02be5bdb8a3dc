/** Drives the scanners of the Redis codec as a session and a pipeline do, over bytes that come in pieces. */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  argumentSpans,
  REQUEST_LIMITS,
  ReplyScanner,
  type RequestLimits,
  RequestScanner,
  Scan,
  splitInline,
  UNAUTHENTICATED_LIMITS,
} from '../../codecs/redis/index.ts'

export interface Scanned {
  /** What was whole, in order; latin1. */
  readonly frames: readonly (readonly string[] | string)[]
  /** The text of the ProtocolError that ended it. */
  readonly error?: string
  /** Bytes that belong to nothing whole. */
  readonly rest: number
}

/** Frames as lists of arguments; an inline line that cannot be split as the line. */
export function scanRequests(pieces: readonly Buffer[], limits: RequestLimits = REQUEST_LIMITS): Scanned {
  const scanner = new RequestScanner()
  const other = new RequestNoise(scanner, limits)
  const frames: (string[] | string)[] = []
  let held = Buffer.alloc(0)
  let resumeAt = 0
  let resumeLeft = 0
  try {
    for (const piece of pieces) {
      held = Buffer.concat([held, piece])
      let position = 0
      while (position < held.length) {
        other.scan()
        const { length } = held
        let found: number
        if (resumeLeft > 0) {
          found = scanner.resume(held, position + resumeAt, length, resumeLeft, limits)
          if (found === Scan.FRAME) scanner.readHead(held, position, length, limits)
        } else found = scanner.scan(held, position, length, limits)
        resumeLeft = 0
        if (found === Scan.MORE) {
          checkMore(scanner, position, length)
          resumeLeft = scanner.left
          resumeAt = scanner.at - position
          break
        }
        check(scanner.end > position && scanner.end <= length, 'a frame ends behind its start, within the bytes')
        if (found === Scan.FRAME) frames.push(readFrame(scanner, held, position))
        else if (found === Scan.INLINE) frames.push(readLine(held.subarray(position, scanner.end)))
        position = scanner.end
      }
      held = held.subarray(position)
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { frames, error: error.message, rest: 0 }
  }
  return { frames, rest: held.length }
}

/** Another session's request between ours: a scanner serves them all. */
class RequestNoise {
  readonly #scanner: RequestScanner
  readonly #limits: RequestLimits
  static readonly #bytes = Buffer.from('*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n')

  constructor(scanner: RequestScanner, limits: RequestLimits) {
    this.#scanner = scanner
    this.#limits = limits === UNAUTHENTICATED_LIMITS ? REQUEST_LIMITS : UNAUTHENTICATED_LIMITS
  }

  scan(): void {
    this.#scanner.scan(RequestNoise.#bytes, 0, RequestNoise.#bytes.length, this.#limits)
  }
}

function checkMore(scanner: RequestScanner, start: number, end: number): void {
  check(scanner.missing >= 1, 'at least a byte is missing')
  check(scanner.at >= start && scanner.at <= end, 'what is not whole begins within the bytes')
  if (scanner.left === 0) check(scanner.at === start, 'without a header it is the request that is not whole')
}

function readFrame(scanner: RequestScanner, bytes: Buffer, start: number): string[] {
  const spans = argumentSpans(bytes, start)
  check(spans.length === 2 * scanner.argc, 'as many arguments as announced')
  check(spans[0] === scanner.nameStart && spans[1] === scanner.nameEnd, 'the name is the first argument')
  check(spans.at(-1)! + 2 === scanner.end, 'the frame ends with its last argument')
  const args: string[] = []
  for (let i = 0; i < spans.length; i += 2) args.push(bytes.toString('latin1', spans[i], spans[i + 1]))
  return args
}

function readLine(line: Buffer): string[] | string {
  return splitInline(line)?.map(arg => arg.toString('latin1')) ?? line.toString('latin1')
}

export interface ReplyFeedOptions {
  /** Unfinished replies of so many bytes are let go; shorter ones are kept until they are whole. */
  readonly holdBytes?: number
}

/** Replies as the bytes that left for them. */
export function scanReplies(pieces: readonly Buffer[], { holdBytes = Infinity }: ReplyFeedOptions = {}): Scanned {
  const scanner = new ReplyScanner()
  const frames: string[] = []
  let held = Buffer.alloc(0)
  let begun = ''
  try {
    for (const piece of pieces) {
      held = Buffer.concat([held, piece])
      let position = 0
      while (position < held.length) {
        const end = scanner.scan(held, position, held.length)
        if (end < 0) break
        check(begun !== '' || end > position, 'a reply ends behind its start')
        check(end <= held.length, 'a reply ends within the bytes')
        check(!scanner.suspended, 'nothing is left of a whole reply')
        frames.push(begun + held.toString('latin1', position, end))
        begun = ''
        position = end
      }
      if (position < held.length) {
        if (begun !== '' || held.length - position > holdBytes) {
          const left = scanner.suspend(held.length)
          check(left >= position && left <= held.length, 'what may leave lies within the bytes')
          begun += held.toString('latin1', position, left)
          position = left
          if (begun === '') scanner.restart()
        } else scanner.restart()
      }
      held = held.subarray(position)
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { frames, error: error.message, rest: 0 }
  }
  return { frames, rest: begun.length + held.length }
}

/** Not vitest's: the fuzzer runs this too. */
export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`does not hold: ${what}`)
}
