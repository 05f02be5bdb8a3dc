/**
 * Responses for a client that has agreed on more than the server has: the old server could do it, the new one cannot.
 * What the client must find in a response is put in, what it takes for part of something else is left out.
 *
 *     CLIENT_DEPRECATE_EOF                      no EOF behind definitions, an OK with the EOF's header in place of the last one
 *     CLIENT_OPTIONAL_RESULTSET_METADATA, or
 *     MARIADB_CLIENT_CACHE_METADATA             column count | definitions follow: 1
 *     MARIADB_CLIENT_EXTENDED_METADATA          definition: six strings | extended: lenenc string | 0c | fixed fields
 *
 * All else that changes responses only adds packets that need not come.
 */
import {
  type Capabilities,
  CLIENT_DEPRECATE_EOF,
  CLIENT_OPTIONAL_RESULTSET_METADATA,
  difference,
  MARIADB_CLIENT_CACHE_METADATA,
  MARIADB_CLIENT_EXTENDED_METADATA,
} from './capabilities.ts'
import { PayloadReader } from './reader.ts'
import { EOF_HEADER, encodeOk, type OkPacket } from './results.ts'
import { PACKET_HEADER_BYTES, writeHeader } from './writer.ts'

/** Catalogue, schema, table, original table, name, original name. */
const STRINGS_OF_A_COLUMN = 6
const YES = Buffer.of(1)
const EMPTY_STRING = Buffer.of(0)

export class ResponseTranslation {
  /** EOF packets behind definitions are dropped, others replaced. */
  readonly withoutEofs: boolean
  readonly extendsColumns: boolean
  readonly #flagsMetadata: boolean
  readonly #flagsPrepared: boolean

  private constructor({ low, mariadb }: Capabilities) {
    this.withoutEofs = (low & CLIENT_DEPRECATE_EOF) !== 0
    this.extendsColumns = (mariadb & MARIADB_CLIENT_EXTENDED_METADATA) !== 0
    this.#flagsPrepared = (low & CLIENT_OPTIONAL_RESULTSET_METADATA) !== 0
    this.#flagsMetadata = this.#flagsPrepared || (mariadb & MARIADB_CLIENT_CACHE_METADATA) !== 0
  }

  /** Null when nothing has to be done. */
  static between(server: Capabilities, client: Capabilities): ResponseTranslation | null {
    const translation = new ResponseTranslation(difference(client, server))
    const { withoutEofs, extendsColumns } = translation
    return withoutEofs || extendsColumns || translation.#flagsMetadata ? translation : null
  }

  columnCount(sequence: number, bytes: Buffer, start: number, end: number): Buffer | null {
    return this.#flagsMetadata ? withInserted(sequence, bytes, start, end, end, YES) : null
  }

  /** The first packet of the answer to COM_STMT_PREPARE. */
  prepared(sequence: number, bytes: Buffer, start: number, end: number): Buffer | null {
    return this.#flagsPrepared ? withInserted(sequence, bytes, start, end, end, YES) : null
  }

  column(sequence: number, bytes: Buffer, start: number, end: number): Buffer {
    const reader = shared.reset(bytes, start, end)
    for (let i = 0; i < STRINGS_OF_A_COLUMN; i++) reader.skip(reader.lenenc())
    return withInserted(sequence, bytes, start, end, reader.at, EMPTY_STRING)
  }

  /** What ends a result. */
  end(sequence: number, { status, warnings }: OkPacket): Buffer {
    return encodeOk(sequence, { status, warnings }, EOF_HEADER)
  }
}

/** Rows, and all else in whole packets, with so much taken from their sequence ids. */
export function renumber(bytes: Buffer, start: number, end: number, shift: number): void {
  for (let at = start; at < end; at += PACKET_HEADER_BYTES + bytes.readUIntLE(at, 3)) {
    bytes[at + 3] = (bytes[at + 3]! - shift) & 0xff
  }
}

const shared = new PayloadReader()

function withInserted(
  sequence: number,
  bytes: Buffer,
  start: number,
  end: number,
  at: number,
  inserted: Buffer,
): Buffer {
  const packet = Buffer.allocUnsafe(PACKET_HEADER_BYTES + end - start + inserted.length)
  writeHeader(packet, 0, packet.length - PACKET_HEADER_BYTES, sequence)
  const insertedAt = PACKET_HEADER_BYTES + at - start
  bytes.copy(packet, PACKET_HEADER_BYTES, start, at)
  inserted.copy(packet, insertedAt)
  bytes.copy(packet, insertedAt + inserted.length, at, end)
  return packet
}
