/**
 * Session trackers: what an OK packet tells of changes of the session's state.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_ok_packet.html#sect_protocol_basic_ok_packet_sessinfo
 *
 *     trackers   one behind the other:  type: 1 | length: lenenc | data
 */
import { malformed, PayloadReader } from './reader.ts'
import { PayloadWriter } from './writer.ts'

export const SESSION_TRACK_SYSTEM_VARIABLES = 0
export const SESSION_TRACK_SCHEMA = 1
export const SESSION_TRACK_STATE_CHANGE = 2
export const SESSION_TRACK_GTIDS = 3
export const SESSION_TRACK_TRANSACTION_CHARACTERISTICS = 4
export const SESSION_TRACK_TRANSACTION_STATE = 5

export interface SessionTrackerSink {
  /** A system variable has a new value; null where the server says NULL. */
  onVariable(name: string, value: string | null): void
  onSchema(name: string): void
  /** Something of the session has changed, named by another tracker of the same packet or not at all. */
  onStateChange(): void
  onGtids(gtids: string): void
  /** The statements that would begin the same transaction elsewhere, such as `START TRANSACTION READ ONLY;`; or empty. */
  onTransactionCharacteristics(statements: string): void
  /** Eight letters such as `T_R_W_S_`, and `L` as the last one while tables are locked. */
  onTransactionState(state: string): void
}

/**
 * Reads what `OkPacket` calls trackers; unknown types are passed over. Returns the set of types, as bits: 31 for all from
 * there on. Throws ProtocolError.
 */
export function readSessionTrackers(bytes: Uint8Array, start: number, end: number, sink: SessionTrackerSink): number {
  let types = 0
  const reader = shared.reset(bytes, start, end)
  while (reader.left > 0) {
    const type = reader.u8()
    types |= 1 << Math.min(type, 31)
    const length = reader.lenenc()
    if (length > reader.left) throw malformed()
    // What is read of this tracker ends with it.
    reader.end = reader.at + length
    readTracker(type, reader, sink)
    reader.at = reader.end
    reader.end = end
  }
  return types
}

const shared = new PayloadReader()

function readTracker(type: number, reader: PayloadReader, sink: SessionTrackerSink): void {
  switch (type) {
    case SESSION_TRACK_SYSTEM_VARIABLES:
      while (reader.left > 0) {
        const name = reader.lenencString()
        const valueBytes = reader.lenencOrNull()
        sink.onVariable(name, valueBytes === null ? null : reader.take(valueBytes).toString())
      }
      break
    case SESSION_TRACK_SCHEMA:
      sink.onSchema(reader.lenencString())
      break
    case SESSION_TRACK_STATE_CHANGE:
      // '1' always: the option that would make it '0' is off then, and with it the tracker.
      sink.onStateChange()
      break
    case SESSION_TRACK_GTIDS:
      reader.skip(1) // How they are encoded: as text, there is no other way.
      sink.onGtids(reader.lenencString())
      break
    case SESSION_TRACK_TRANSACTION_CHARACTERISTICS:
      sink.onTransactionCharacteristics(reader.lenencString())
      break
    case SESSION_TRACK_TRANSACTION_STATE:
      sink.onTransactionState(reader.lenencString())
      break
  }
}

/** One tracker, for `OkFields.trackers`; a system variable has a name and a value, all others one string. */
export function encodeSessionTracker(type: number, ...strings: readonly string[]): Buffer {
  const data = new PayloadWriter()
  if (type === SESSION_TRACK_GTIDS) data.u8(0)
  for (const string of strings) data.lenencString(string)
  return new PayloadWriter().u8(type).lenencBytes(data.payload()).payload()
}
