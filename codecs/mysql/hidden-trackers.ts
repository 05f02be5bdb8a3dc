/**
 * Servers may tell clients to connect elsewhere (`redirect_url` of MariaDB and of Azure): what stands between must not
 * pass that on, or it would be gone round.
 * https://mariadb.com/docs/server/clients-and-utilities/server-client-software/connection-redirection-mechanism-in-the-mariadb-clientserver-protocol
 */
import { PayloadReader } from './reader.ts'
import type { OkPacket } from './results.ts'
import { SESSION_TRACK_SCHEMA, SESSION_TRACK_SYSTEM_VARIABLES } from './session-trackers.ts'
import { SERVER_SESSION_STATE_CHANGED } from './status.ts'
import { PACKET_HEADER_BYTES, PayloadWriter } from './writer.ts'

export const REDIRECT_VARIABLE = 'redirect_url'

// Sets of tracker types, as bits.
export const VARIABLES = 1 << SESSION_TRACK_SYSTEM_VARIABLES
/** Servers send these without being told to. */
export const SHOWN_BY_DEFAULT = VARIABLES | (1 << SESSION_TRACK_SCHEMA)

/**
 * The OK packet whose payload at `start` was read into `ok`, without the variable among its trackers and, unless `showsAll`,
 * without those that servers send only where they were switched on: some clients stumble over what they did not ask for.
 */
export function encodeWithoutHidden(
  sequence: number,
  bytes: Buffer,
  start: number,
  ok: OkPacket,
  showsAll: boolean,
): Buffer {
  const trackers = keptTrackers(bytes, ok.trackersStart, ok.trackersEnd, showsAll)
  const writer = new PayloadWriter(ok.trackersEnd - start).bytes(bytes.subarray(start, ok.fixedEnd))
  const info = bytes.subarray(ok.infoStart, ok.infoEnd)
  if (trackers.length > 0 || info.length > 0) writer.lenencBytes(info)
  if (trackers.length > 0) writer.lenencBytes(trackers)
  const packet = writer.packet(sequence)
  if (trackers.length === 0) {
    packet[PACKET_HEADER_BYTES + ok.statusAt - start + 1]! &= ~(SERVER_SESSION_STATE_CHANGED >> 8)
  }
  return packet
}

function keptTrackers(bytes: Buffer, start: number, end: number, showsAll: boolean): Buffer {
  const kept: Buffer[] = []
  const reader = new PayloadReader(bytes, start, end)
  while (reader.left > 0) {
    const from = reader.at
    const type = reader.u8()
    const data = reader.lenencBytes()
    if (type !== SESSION_TRACK_SYSTEM_VARIABLES) {
      if (showsAll || type === SESSION_TRACK_SCHEMA) kept.push(bytes.subarray(from, reader.at))
    } else {
      const variables = keptVariables(Buffer.from(data))
      if (variables.length > 0) kept.push(new PayloadWriter().u8(type).lenencBytes(variables).payload())
    }
  }
  return Buffer.concat(kept)
}

function keptVariables(data: Buffer): Buffer {
  const kept: Buffer[] = []
  const reader = new PayloadReader(data, 0, data.length)
  while (reader.left > 0) {
    const from = reader.at
    const name = reader.lenencString()
    const length = reader.lenencOrNull()
    if (length !== null) reader.skip(length)
    if (name !== REDIRECT_VARIABLE) kept.push(data.subarray(from, reader.at))
  }
  return Buffer.concat(kept)
}
