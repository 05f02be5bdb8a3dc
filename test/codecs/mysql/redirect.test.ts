import { expect, test } from 'vitest'
import {
  CLIENT_PROTOCOL_41,
  CLIENT_SESSION_TRACK,
  COM_CHANGE_USER,
  COM_QUERY,
  encodeOk,
  encodeSessionTracker,
  ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
  SESSION_TRACK_SCHEMA,
  SESSION_TRACK_SYSTEM_VARIABLES,
  type SessionTrackerSink,
} from '../../../codecs/mysql/index.ts'

const SILENT: SessionTrackerSink = {
  onVariable() {},
  onSchema() {},
  onStateChange() {},
  onGtids() {},
  onTransactionCharacteristics() {},
  onTransactionState() {},
}
const status = SERVER_STATUS_AUTOCOMMIT
const REDIRECT = encodeSessionTracker(SESSION_TRACK_SYSTEM_VARIABLES, 'redirect_url', 'mysql://elsewhere:3306/')
const SCHEMA = encodeSessionTracker(SESSION_TRACK_SCHEMA, 'app')
const ZONE = ['time_zone', '+01:00'] as const
const BOTH = encodeSessionTracker(SESSION_TRACK_SYSTEM_VARIABLES, ...ZONE, 'redirect_url', 'mysql://elsewhere:3306/')

const pass = (...pieces: readonly Buffer[]) => passAs(COM_QUERY, ...pieces)

function passAs(command: number, ...pieces: readonly Buffer[]): Buffer {
  const tracker = new ResponseTracker({ low: CLIENT_PROTOCOL_41 | CLIENT_SESSION_TRACK, mariadb: 0 }, SILENT)
  tracker.begin(command)
  const out: Buffer[] = []
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const end = tracker.write(piece, at, piece.length)
      out.push(Buffer.from(piece.subarray(at, tracker.passEnd)))
      if (tracker.insert) out.push(Buffer.from(tracker.insert))
      at = end
    }
  }
  expect(tracker.ended).toBe(true)
  return Buffer.concat(out)
}

test.each([
  ['alone', [REDIRECT], encodeOk(1, { status })],
  ['alone, behind a text', [REDIRECT], encodeOk(1, { status, info: 'done' }), 'done'],
  ['beside other trackers', [SCHEMA, REDIRECT], encodeOk(1, { status, trackers: SCHEMA })],
  [
    'beside other variables',
    [BOTH, SCHEMA],
    encodeOk(1, {
      status,
      trackers: Buffer.concat([encodeSessionTracker(SESSION_TRACK_SYSTEM_VARIABLES, ...ZONE), SCHEMA]),
    }),
  ],
])('a redirection %s does not reach the client', (_, trackers, expected, info = '') => {
  const packet = encodeOk(1, { status, info, trackers: Buffer.concat(trackers) })
  expect(pass(packet)).toEqual(expected)
  for (let cut = 1; cut < packet.length; cut++) {
    expect(pass(packet.subarray(0, cut), packet.subarray(cut))).toEqual(expected)
  }
})

test.each([
  ['', [SCHEMA]],
  ['', []],
])('nor one in the text of a login', (_, trackers) => {
  const info = 'Location: mysql://elsewhere:3306/user=app&ttl=60'
  const packet = encodeOk(2, { status, info, trackers: Buffer.concat(trackers) })
  for (let cut = 1; cut < packet.length; cut++) {
    const pieces = [packet.subarray(0, cut), packet.subarray(cut)]
    expect(passAs(COM_CHANGE_USER, ...pieces)).toEqual(encodeOk(2, { status }))
    // Of another command it is what the command has to say.
    expect(pass(...pieces)).toEqual(packet)
  }
})

test('a value that only mentions it passes as it came', () => {
  const trackers = encodeSessionTracker(SESSION_TRACK_SYSTEM_VARIABLES, 'init_connect', "SELECT 'redirect_url'")
  const packet = encodeOk(1, { status, trackers })
  expect(pass(packet)).toEqual(packet)
})
