/** Micro benchmarks of the MySQL codec's packets: following responses, scanning commands. */

import {
  CLIENT_DEPRECATE_EOF,
  CLIENT_PROTOCOL_41,
  CLIENT_SESSION_TRACK,
  COM_PING,
  COM_QUERY,
  COMMAND_LIMITS,
  encodeOk,
  encodePacket,
  encodeSessionTracker,
  encodeTextResult,
  PacketScan,
  PacketScanner,
  ResponseTracker,
  SESSION_TRACK_TRANSACTION_STATE,
  type SessionTrackerSink,
} from '../../codecs/mysql/index.ts'
import type { MicroBench } from '../lib/micro.ts'

const CAPABILITIES = { low: CLIENT_PROTOCOL_41 | CLIENT_SESSION_TRACK | CLIENT_DEPRECATE_EOF, mariadb: 0 }
const COLUMNS = [{ name: 'c', type: 'text' }] as const

const sink: SessionTrackerSink = {
  onVariable() {},
  onSchema() {},
  onStateChange() {},
  onGtids() {},
  onTransactionCharacteristics() {},
  onTransactionState() {},
}

export function packetBenches(): MicroBench[] {
  const trackers = encodeSessionTracker(SESSION_TRACK_TRANSACTION_STATE, 'T_______')
  return [
    follow('response: OK', COM_PING, encodeOk(1, { status: 2 })),
    follow('response: OK of an INSERT', COM_QUERY, encodeOk(1, { status: 2, affectedRows: 1, insertId: 123_456 })),
    follow('response: OK with a tracker', COM_QUERY, encodeOk(1, { status: 3, trackers })),
    follow('response: OK, its tracker taken out', COM_QUERY, encodeOk(1, { status: 3, trackers }), { strip: true }),
    follow('response: one row of 64 B', COM_QUERY, resultOf(1, 64)),
    follow('response: rows of 64 B, for each', COM_QUERY, resultOf(10_000, 64), { frames: 10_000 }),
    follow('response: rows of 1 KB, for each', COM_QUERY, resultOf(1_000, 1024), { frames: 1_000 }),
    commands('command: a query of 40 B', encodePacket(0, Buffer.alloc(40, COM_QUERY))),
  ]
}

const resultOf = (rows: number, bytes: number): Buffer =>
  encodeTextResult(1, COLUMNS, Array(rows).fill(['x'.repeat(bytes)]), { status: 2 }, CAPABILITIES)

function follow(name: string, command: number, bytes: Buffer, { strip = false, frames = 1 } = {}): MicroBench {
  const tracker = new ResponseTracker(CAPABILITIES, sink)
  tracker.stripTrackers = strip
  const run = () => {
    tracker.begin(command)
    for (let at = 0; !tracker.ended; ) at = tracker.write(bytes, at, bytes.length)
    return frames > 1 ? tracker.rows : tracker.results
  }
  return { name, frames, bytes: bytes.length, run }
}

function commands(name: string, bytes: Buffer): MicroBench {
  const scanner = new PacketScanner()
  const run = () => {
    scanner.nextSequence = 0
    return scanner.scan(bytes, 0, bytes.length, COMMAND_LIMITS) === PacketScan.WHOLE ? 1 : 0
  }
  return { name, frames: 1, bytes: bytes.length, run }
}
