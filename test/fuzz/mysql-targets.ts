/** What must hold of the MySQL codec whatever the bytes; part of targets.ts. */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  type Capabilities,
  CompressedReader,
  decodeAuthSwitch,
  decodeChangeUser,
  decodeErr,
  decodeGreeting,
  decodeLogin,
  decodeTextResults,
  encodeGreeting,
  encodeLogin,
  OkPacket,
  type PacketLimits,
  PacketScan,
  PacketScanner,
  ResponseTracker,
  readSessionTrackers,
  type SessionTrackerSink,
} from '../../codecs/mysql/index.ts'
import { cut } from '../support/feed.ts'
import { check } from '../support/redis-feed.ts'

class Trackers implements SessionTrackerSink {
  readonly told: string[] = []

  onVariable(name: string, value: string | null): void {
    this.told.push(`${name}=${value}`)
  }
  onSchema(name: string): void {
    this.told.push(name)
  }
  onStateChange(): void {
    this.told.push('state')
  }
  onGtids(gtids: string): void {
    this.told.push(gtids)
  }
  onTransactionCharacteristics(statements: string): void {
    this.told.push(statements)
  }
  onTransactionState(state: string): void {
    this.told.push(state)
  }
}

/** What it was, or that it was refused; anything else is thrown. */
function attempt<T>(act: () => T): T | 'malformed' {
  try {
    return act()
  } catch (error) {
    if (error instanceof ProtocolError) return 'malformed'
    throw error
  }
}

/** The first byte is the command, the next two choose capabilities and what the client allows, two more the pieces. */
export function mysqlResponse(bytes: Buffer): void {
  const [command = 0, flags = 0, mariadb = 0] = bytes
  const capabilities: Capabilities = {
    low: ((flags & 0x0f) << 23) | ((flags & 0x10) << 1),
    mariadb: mariadb & 0x3f,
  }
  const input = bytes.subarray(5)
  const follow = (pieces: readonly Buffer[]) => {
    const trackers = new Trackers()
    const tracker = new ResponseTracker(capabilities, trackers)
    tracker.allowLocalInfile = (flags & 0x20) !== 0
    tracker.stripTrackers = (flags & 0x40) !== 0
    tracker.begin(command, flags >> 7)
    const passed: Buffer[] = []
    let taken = 0
    const error = attempt(() => {
      for (const given of pieces) {
        const piece = Buffer.from(given)
        for (let at = 0; at < piece.length && !tracker.ended; ) {
          const next = tracker.write(piece, at, piece.length)
          check(tracker.passEnd >= at && tracker.passEnd <= next && next <= piece.length, 'what passes lies within')
          check(next > at, 'it goes on')
          passed.push(piece.subarray(at, tracker.passEnd))
          if (tracker.insert) passed.push(tracker.insert)
          taken += next - at
          at = next
        }
      }
    })
    if (error === 'malformed') return 'malformed'
    const { ended, results, rows, columns, status, insertId, affectedRows, awaiting, statementId } = tracker
    const facts = [results, columns, status, `${insertId}`, `${affectedRows}`, awaiting, statementId, trackers.told]
    return JSON.stringify([ended, taken, rows, tracker.error, facts, Buffer.concat(passed).toString('hex')])
  }
  const whole = follow([input])
  for (const pieces of [cut(input, 1), cut(input, (bytes[3] ?? 1) + 1, (bytes[4] ?? 1) + 1)]) {
    const found = follow(pieces)
    check(found === whole, `the same in pieces:\n${whole}\n${found}`)
  }
}

const LIMITS: PacketLimits = { wholeBytes: 16, firstPieceBytes: 5, maxBytes: 64 }

/** The first two bytes choose the pieces. */
export function mysqlPackets(bytes: Buffer): void {
  const input = bytes.subarray(2)
  const scan = (pieces: readonly Buffer[]) => {
    const scanner = new PacketScanner()
    const found: string[] = []
    let held: Buffer = Buffer.alloc(0)
    const error = attempt(() => {
      for (const piece of pieces) {
        held = Buffer.concat([held, piece])
        let at = 0
        for (;;) {
          const result = scanner.scan(held, at, held.length, LIMITS)
          if (result === PacketScan.MORE) {
            check(scanner.missing > 0, 'something is missing')
            check(held.length - at < 4 + LIMITS.wholeBytes, 'it holds no more than a whole packet')
            break
          }
          check(scanner.payloadStart >= at && scanner.payloadEnd <= held.length, 'a payload lies within')
          const payload = held.toString('hex', scanner.payloadStart, scanner.payloadEnd)
          if (result === PacketScan.WHOLE || scanner.first) found.push('')
          found.push(`${found.pop()}${payload}`)
          at = scanner.payloadEnd
        }
        held = held.subarray(at)
      }
    })
    return JSON.stringify([found, error === 'malformed'])
  }
  const whole = scan([input])
  for (const pieces of [cut(input, 1), cut(input, (bytes[0] ?? 0) + 1, (bytes[1] ?? 0) + 1)]) {
    const found = scan(pieces)
    check(found === whole, `the same in pieces:\n${whole}\n${found}`)
  }
}

/** The first byte chooses what the rest is. */
export function mysqlPayloads(bytes: Buffer): void {
  // Behind the payload lies what must not be read.
  const surrounded = Buffer.concat([Buffer.alloc(3, 0xfc), bytes.subarray(1), Buffer.alloc(300, 0xfc)])
  const [start, end] = [3, bytes.length + 2]
  const payload = bytes.subarray(1)
  const decoders = [
    (from: Buffer, first: number, last: number) => decodeGreeting(from, first, last),
    (from: Buffer, first: number, last: number) => decodeLogin(from, first, last),
    (from: Buffer, first: number, last: number) => decodeChangeUser(from, first, last, { low: 0xffff_ffff }),
    (from: Buffer, first: number, last: number) => decodeAuthSwitch(from, first, last),
    (from: Buffer, first: number, last: number) => decodeErr(from, first, last),
    (from: Buffer, first: number, last: number) => {
      const ok = new OkPacket().read(from, first, last)
      check(ok.infoEnd <= last && ok.trackersEnd <= last, 'offsets lie within')
      return [ok.status, ok.warnings, ok.affectedRows, ok.insertId, ok.trackersEnd - ok.trackersStart]
    },
    (from: Buffer, first: number, last: number) => {
      const trackers = new Trackers()
      readSessionTrackers(from, first, last, trackers)
      return trackers.told
    },
    (from: Buffer, first: number, last: number) => decodeTextResults(from.subarray(first, last), { low: 0 }),
  ]
  const which = (bytes[0] ?? 0) % decoders.length
  if (bytes.length < 2) return
  const decode = decoders[which]!
  const text = (value: unknown) =>
    JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : (part as unknown)))
  const alone = attempt(() => decode(payload, 0, payload.length))
  const within = attempt(() => decode(surrounded, start, end))
  check(text(alone) === text(within), 'the same in the middle of other bytes')
  if (which === 1 && alone !== 'malformed') {
    const login = decodeLogin(payload, 0, payload.length)
    if (login.proof.length > 250) return
    const again = encodeLogin(1, login).subarray(4)
    const second = decodeLogin(again, 0, again.length)
    check(login.user === second.user && Buffer.from(login.proof).equals(second.proof), 'a login encoded is itself')
    check(login.database === second.database, 'with its database')
  }
  if (which === 0 && alone !== 'malformed') {
    const again = encodeGreeting(decodeGreeting(payload, 0, payload.length)).subarray(4)
    check(attempt(() => decodeGreeting(again, 0, again.length)) !== 'malformed', 'a greeting encoded is one')
  }
}

/** The first byte chooses the pieces. */
export function mysqlFrames(bytes: Buffer): void {
  const input = bytes.subarray(1)
  const read = (pieces: readonly Buffer[]) => {
    const plain: Buffer[] = []
    const reader = new CompressedReader('zlib', part => plain.push(Buffer.from(part)) > 0)
    const error = attempt(() => {
      for (const piece of pieces) reader.write(piece, 0, piece.length)
    })
    return `${error} ${Buffer.concat(plain).toString('hex')}`
  }
  const whole = read([input])
  check(whole === read(cut(input, 1)), 'the same byte by byte')
  check(whole === read(cut(input, (bytes[0] ?? 0) + 1)), 'the same in pieces')
}
