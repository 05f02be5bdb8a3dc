/**
 * Follows the responses of one upstream connection without decoding rows: where each one ends, and what its OK, EOF and
 * ERR packets say. Of a row only the packet's header and its first byte are looked at; its bytes pass as they came.
 *
 *     begin(command)
 *     first ── 00 OK · fe EOF ──> done, or first again while MORE_RESULTS is set
 *           ── ff ERR ──> done          ── fb LOCAL INFILE ──> first, when the client has sent the file
 *           ── column count ──> columns ──> rows ── fe EOF or OK ──> as OK        ── ff ERR ──> done
 *           ── 00 of COM_STMT_PREPARE ──> counted (so many packets) ──> done
 *
 * A packet that must be read (all but columns and rows) and that is not there whole is held back until it is; so is a
 * header that is cut. What was held comes back as `insert`. Benchmark: bench/codecs/mysql-packets.ts.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
 */
import { ProtocolError } from '../codec.ts'
import {
  type Capabilities,
  CLIENT_COMPRESS,
  CLIENT_DEPRECATE_EOF,
  CLIENT_OPTIONAL_RESULTSET_METADATA,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  MARIADB_CLIENT_PROGRESS,
} from './capabilities.ts'
import { COM_FIELD_LIST, COM_STMT_EXECUTE, commandFacts, type ResponseShape } from './commands.ts'
import { encodeWithoutHidden, REDIRECT_VARIABLE, SHOWN_BY_DEFAULT, VARIABLES } from './hidden-trackers.ts'
import { type Integer64, malformed, PayloadReader } from './reader.ts'
import { ResponseTranslation, renumber } from './response-translation.ts'
import {
  cutTrackers,
  decodeErr,
  EOF_HEADER,
  ERR_HEADER,
  type ErrorPacket,
  encodeOk,
  LOCAL_INFILE_HEADER,
  OK_HEADER,
  OkPacket,
} from './results.ts'
import { readSessionTrackers, type SessionTrackerSink } from './session-trackers.ts'
import {
  SERVER_MORE_RESULTS_EXISTS,
  SERVER_PS_OUT_PARAMS,
  SERVER_SESSION_STATE_CHANGED,
  SERVER_STATUS_CURSOR_EXISTS,
} from './status.ts'
import { MAX_PACKET_PAYLOAD, PACKET_HEADER_BYTES } from './writer.ts'

/**
 * What comes next: `first` packet of a result, `columns` so many definitions, `columns-end` their EOF, `rows`, `counted`
 * so many packets of any kind, `stream` packets without a number, nothing.
 */
type Phase = 'first' | 'columns' | 'columns-end' | 'rows' | 'counted' | 'stream' | 'done'

/** No packet that has to be read is longer: an OK packet with a large GTID set is not. */
const MAX_READ_BYTES = 1_048_576
const PROGRESS_REPORT = 0xffff
const HEAD_BYTES = PACKET_HEADER_BYTES + 1
/** Longer ones beginning with 0xfe are events of a stream, not its end. */
const MAX_EOF_BYTES = 8
const NOTHING = Buffer.alloc(0)
/** Definitions up to an EOF packet. */
const UNCOUNTED = -1

export class ResponseTracker {
  /** The client at hand has no CLIENT_SESSION_TRACK but the connection has: trackers are taken out of OK packets. */
  stripTrackers = false
  /** Otherwise those that are off by default are taken out, which Portolan has switched on for itself. */
  showAllTrackers = true
  /** The command at hand may ask the client for a file. Otherwise the request is not passed on: see `awaiting`. */
  allowLocalInfile = false

  // Of the last call of write():
  /** The bytes from start up to here go to the client as they are ... */
  passEnd = 0
  /** ... then these, if any: a packet that had been held back, or its replacement. */
  insert: Buffer | null = null

  // Of the response at hand, or of the last one:
  /**
   * Who has to speak next. `infile`: the client, with the file, up to and including an empty packet; if `allowLocalInfile`
   * was not set the empty packet is ours to send, and the rest of the response nobody's. `auth`: the client, with an
   * answer to `authPacket`.
   */
  awaiting: 'server' | 'infile' | 'auth' = 'server'
  /**
   * Of the last packet: an answer or an error of ours continues from it. begin() makes it 0, the one of the command; set
   * it when the command took more packets, and when the client has had its part (`awaiting`): to its last one.
   */
  sequence = 0
  /** Packets of any kind: while there is none, nothing has been passed on. */
  packets = 0
  /** Results that have ended. */
  results = 0
  /** Of the result set begun last. */
  columns = 0
  /** Of all results together. */
  rows = 0
  /** Of those, the ones before the result set begun last. */
  rowsBefore = 0
  /** Status flags as the server told last; an ERR packet tells none. They outlast the response. */
  status = 0
  warnings = 0
  /** Of the last result that had it. */
  affectedRows: Integer64 = 0
  /** The last one that was not 0. */
  insertId: Integer64 = 0
  error: ErrorPacket | null = null
  /** Of COM_STMT_PREPARE: the server's id; 0 until it is known. */
  statementId = 0
  parameters = 0
  /** The payload of the last AuthSwitchRequest or AuthMoreData: a copy. */
  authPacket: Buffer = NOTHING

  readonly #sink: SessionTrackerSink
  readonly #hasColumnsEof: boolean
  readonly #hasPrepareMetadataFlag: boolean
  readonly #hasProgress: boolean
  readonly #translation: ResponseTranslation | null
  /**
   * On a compressed connection servers take a packet's sequence id from the frames whenever they flush. A client on one
   * that is not compressed would not have it: there the ids are written anew.
   */
  readonly #renumbers: boolean
  readonly #ok = new OkPacket()
  #phase: Phase = 'done'
  #shape: ResponseShape = 'none'
  #isExecution = false
  #clientStatementId = 0
  /**
   * The rows at hand are OUT parameters, behind which the OK of the CALL follows: MySQL (9.7) says so in the EOF before
   * them and forgets MORE_RESULTS in the one behind.
   */
  #outParameters = false
  /** Packets of the response that the client does not get: what follows has lower sequence ids for it. */
  #dropped = 0
  /** Packets to come in `columns` and `counted`. */
  #left = 0
  /** Bytes to come of the packet at hand, which pass. */
  #skip = 0
  /** The packet at hand is continued by the next one. */
  #continued = false
  /** The next packet may have any sequence id: the client had a say in it. */
  #anySequence = true
  readonly #head = Buffer.alloc(HEAD_BYTES)
  /** The packet that is held, once its head is there. */
  #packet: Buffer | null = null
  /** Bytes that are held. */
  #held = 0
  /** Bytes that were cut off the end of the packet that was read last, in place: a write of its own would cost far more. */
  #cut = 0

  /**
   * The capabilities that the connection was logged in with; the sink hears of trackers while write() runs. The client's
   * are those that the responses are to fit.
   */
  constructor(capabilities: Capabilities, sink: SessionTrackerSink, client: Capabilities = capabilities) {
    const { low, mariadb } = capabilities
    this.#sink = sink
    this.#translation = ResponseTranslation.between(capabilities, client)
    this.#hasColumnsEof = (low & CLIENT_DEPRECATE_EOF) === 0
    this.#hasPrepareMetadataFlag = (low & CLIENT_OPTIONAL_RESULTSET_METADATA) !== 0
    this.#renumbers = (low & (CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION_ALGORITHM)) !== 0
    this.#hasProgress = (mariadb & MARIADB_CLIENT_PROGRESS) !== 0
  }

  /** True when the response at hand is over, and before the first one. */
  get ended(): boolean {
    return this.#phase === 'done' && this.#skip === 0 && !this.#continued
  }

  /** True when nothing of the response at hand has come. */
  get untouched(): boolean {
    return this.packets === 0 && this.#held === 0
  }

  /** True when nothing but a whole number of packets has been seen: an ERR packet of ours may follow. */
  get betweenPackets(): boolean {
    return this.#skip === 0 && !this.#continued
  }

  /**
   * What comes next answers this command. For COM_STMT_PREPARE, `clientStatementId` is written in the place of the
   * server's id, into the bytes that are given to write(); 0 leaves it.
   */
  begin(command: number, clientStatementId = 0): void {
    if (!this.ended) throw new Error('the last response has not ended')
    const shape = commandFacts(command).response
    this.#shape = shape
    this.#isExecution = command === COM_STMT_EXECUTE
    this.#clientStatementId = clientStatementId
    this.#phase = shape === 'none' ? 'done' : shape === 'rows' ? 'rows' : shape === 'endless' ? 'stream' : 'first'
    // Definitions that are to be translated have to be read.
    if (command === COM_FIELD_LIST && this.#translation?.extendsColumns) {
      this.#phase = 'columns'
      this.#left = UNCOUNTED
    }
    this.#dropped = 0
    this.#anySequence = !this.#renumbers
    this.sequence = 0
    this.#outParameters = false
    this.awaiting = 'server'
    this.packets = 0
    this.results = 0
    this.columns = 0
    this.rows = 0
    this.rowsBefore = 0
    this.warnings = 0
    this.affectedRows = 0
    this.insertId = 0
    this.error = null
    this.statementId = 0
    this.parameters = 0
  }

  /**
   * Takes bytes of the response and returns up to where: at the end of the response, behind a packet that is replaced,
   * or at `end`. Pass on what `passEnd` and `insert` say; then, unless the response has ended, call again with the rest.
   * Throws ProtocolError: `malformed-packet`, `packet-sequence`, `packet-too-large`.
   */
  write(bytes: Buffer, start: number, end: number): number {
    this.insert = null
    this.passEnd = start
    let at = start
    if (this.#held > 0) return this.#fill(bytes, start, end)
    for (;;) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at)
        at += step
        this.#skip -= step
        if (this.#skip > 0) break
      }
      if (!this.#continued) {
        if (this.#phase === 'rows') {
          at = this.#passRows(bytes, at, end)
          if (this.#skip > 0) break
        } else if (this.#phase === 'done') break
      }
      const available = end - at
      if (available < HEAD_BYTES && (available < PACKET_HEADER_BYTES || !this.#continued)) {
        if (available === 0) break
        this.#hold(this.#head, bytes, at, end)
        this.passEnd = at
        return end
      }
      const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
      const first = bytes[at + 4]!
      if (!this.#isRead(first, length)) {
        this.#pass(length, bytes, at)
        at += PACKET_HEADER_BYTES
        continue
      }
      const packetEnd = at + PACKET_HEADER_BYTES + length
      if (packetEnd > end) {
        this.#packet = newPacket(length)
        this.#hold(this.#packet, bytes, at, end)
        this.passEnd = at
        return end
      }
      const replacement = this.#read(bytes, at, length)
      if (replacement !== null) {
        this.passEnd = at
        this.insert = replacement
        return packetEnd
      }
      at = packetEnd - this.#cut
      if (this.#cut > 0) {
        this.passEnd = at
        return packetEnd
      }
    }
    this.passEnd = at
    return at
  }

  /** Rows that begin with neither 0xfe nor 0xff, as all but those of 16 MiB do. Returns where the first other packet begins, or end. */
  #passRows(bytes: Buffer, start: number, end: number): number {
    let at = start
    const last = end - HEAD_BYTES
    if (at > last) return at
    if (this.#anySequence) {
      this.sequence = (bytes[at + 3]! - 1) & 0xff
      this.#anySequence = false
    }
    const dropped = this.#dropped
    let sequence = (this.sequence + dropped) & 0xff
    let count = 0
    while (at <= last) {
      const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
      if (bytes[at + 4]! >= EOF_HEADER || length === MAX_PACKET_PAYLOAD || length === 0) break
      sequence = (sequence + 1) & 0xff
      if (bytes[at + 3] !== sequence) {
        if (!this.#renumbers) throw outOfOrder(bytes[at + 3]!, sequence)
        bytes[at + 3] = sequence
      }
      at += PACKET_HEADER_BYTES + length
      count++
    }
    this.sequence = (sequence - dropped) & 0xff
    this.rows += count
    this.packets += count
    if (dropped > 0) renumber(bytes, start, Math.min(at, end), dropped)
    if (at <= end) return at
    this.#skip = at - end
    return end
  }

  /** Whether the packet at hand has to be whole to be understood. */
  #isRead(first: number, length: number): boolean {
    if (this.#continued) return false
    if (length === 0) throw malformed('an empty packet')
    switch (this.#phase) {
      case 'rows':
        return first >= EOF_HEADER && length < MAX_PACKET_PAYLOAD
      case 'columns':
      case 'counted':
        return first === ERR_HEADER || this.#translation !== null
      case 'stream':
        return first === ERR_HEADER || (first === EOF_HEADER && length <= MAX_EOF_BYTES)
      case 'first':
        return this.#shape !== 'string' || first === ERR_HEADER
      default:
        return true
    }
  }

  /** A packet whose header is at `at` passes. */
  #pass(length: number, bytes: Buffer, at: number): void {
    this.#takeSequence(bytes, at)
    if (!this.#continued) {
      if (this.#phase === 'rows') this.rows++
      else if (this.#phase === 'first') this.#phase = 'done'
      else if (this.#phase !== 'stream') this.#countDown()
    }
    this.#continued = length === MAX_PACKET_PAYLOAD
    this.#skip = length
  }

  /** One of so many packets has gone by. */
  #countDown(): void {
    if (--this.#left !== 0) return
    this.#phase = this.#phase === 'counted' ? 'done' : this.#hasColumnsEof ? 'columns-end' : 'rows'
  }

  #takeSequence(bytes: Buffer, at: number): void {
    const dropped = this.#dropped
    const due = (this.sequence + 1 + dropped) & 0xff
    const found = bytes[at + 3]!
    this.sequence = (found - dropped) & 0xff
    this.packets++
    if (found !== due && !this.#anySequence) {
      if (!this.#renumbers) throw outOfOrder(found, due)
      this.sequence = (due - dropped) & 0xff
    }
    if (dropped > 0 || this.#renumbers) bytes[at + 3] = this.sequence
    this.#anySequence = false
  }

  /** Reads a whole packet; returns what is to be passed on in its place, or null. */
  #read(bytes: Buffer, at: number, length: number): Buffer | null {
    this.#cut = 0
    this.#takeSequence(bytes, at)
    this.awaiting = 'server'
    const start = at + PACKET_HEADER_BYTES
    const end = start + length
    const first = bytes[start]!
    if (first === ERR_HEADER) this.#readError(bytes, start, end)
    else if (this.#phase === 'columns' || this.#phase === 'counted') return this.#readDefinition(bytes, start, end)
    else if (this.#phase !== 'first') {
      if (first !== EOF_HEADER) throw malformed('no EOF packet where one is due')
      return this.#readEnd(bytes, start, end)
    } else if (this.#shape === 'auth' && first !== OK_HEADER) {
      this.authPacket = Buffer.from(bytes.subarray(start, end))
      this.awaiting = 'auth'
      this.#anySequence = !this.#renumbers
    } else if (this.#shape === 'prepare') return this.#readPrepared(bytes, start, end)
    else if (first === OK_HEADER || first === EOF_HEADER) return this.#readEnd(bytes, start, end)
    else if (this.#shape !== 'result') throw malformed('neither OK nor ERR')
    else if (first === LOCAL_INFILE_HEADER) {
      this.awaiting = 'infile'
      this.#anySequence = !this.#renumbers
      if (!this.allowLocalInfile) return NOTHING
    } else return this.#readColumnCount(bytes, start, end)
    return null
  }

  /** To be translated: the definition of a column or parameter, or the EOF behind them. */
  #readDefinition(bytes: Buffer, start: number, end: number): Buffer | null {
    const translation = this.#translation!
    const isEof = bytes[start] === EOF_HEADER && end - start <= MAX_EOF_BYTES
    // Only COM_FIELD_LIST has so many.
    if (isEof && this.#left < 0) return this.#readEnd(bytes, start, end)
    this.#countDown()
    if (isEof) return translation.withoutEofs ? this.#drop() : null
    return translation.extendsColumns ? translation.column(this.sequence, bytes, start, end) : null
  }

  /** The client does not get the packet at hand. */
  #drop(): Buffer {
    this.#dropped++
    this.sequence = (this.sequence - 1) & 0xff
    return NOTHING
  }

  /** An OK or EOF packet: behind the columns, behind the rows, or all there is. */
  #readEnd(bytes: Buffer, start: number, end: number): Buffer | null {
    const ok = this.#ok.read(bytes, start, end)
    const { status } = ok
    this.status = status & ~SERVER_SESSION_STATE_CHANGED
    if (this.#phase === 'columns-end' && !this.#opensCursor(status)) {
      this.#phase = 'rows'
      this.#outParameters = (status & SERVER_PS_OUT_PARAMS) !== 0
      if (this.#translation?.withoutEofs) return this.#drop()
    } else {
      this.results++
      this.warnings = ok.warnings
      this.affectedRows = ok.affectedRows
      if (ok.insertId !== 0) this.insertId = ok.insertId
      const more = (status & SERVER_MORE_RESULTS_EXISTS) !== 0 || this.#outParameters
      this.#phase = more && this.#shape === 'result' ? 'first' : 'done'
      this.#outParameters = false
    }
    const isEof = bytes[start] === EOF_HEADER && this.#translation?.withoutEofs && this.#shape !== 'endless'
    if (isEof) return this.#translation!.end(this.sequence, ok)
    const changed = (status & SERVER_SESSION_STATE_CHANGED) === 0 ? null : this.#readTrackers(bytes, start, end, ok)
    if (this.#shape !== 'auth' || ok.infoEnd === ok.infoStart) return changed
    // The text of a login's OK is Azure's way to say where else to connect.
    this.#cut = 0
    return encodeOk(this.sequence, { status })
  }

  #readTrackers(bytes: Buffer, start: number, end: number, ok: OkPacket): Buffer | null {
    const { trackersStart, trackersEnd } = ok
    const types = readSessionTrackers(bytes, trackersStart, trackersEnd, this.#sink)
    const shows = this.showAllTrackers ? types : types & SHOWN_BY_DEFAULT
    if (this.stripTrackers || (shows === 0 && !this.showAllTrackers)) {
      this.#cut = end - cutTrackers(bytes, start, ok)
      return null
    }
    const hides =
      shows !== types ||
      ((types & VARIABLES) !== 0 && bytes.subarray(trackersStart, trackersEnd).includes(REDIRECT_VARIABLE))
    return hides ? encodeWithoutHidden(this.sequence, bytes, start, ok, this.showAllTrackers) : null
  }

  /**
   * The rows wait in a cursor instead of following. A stored program tells of cursors of its own in the same way, in the
   * middle of results; behind a cursor there are no more of them.
   */
  #opensCursor(status: number): boolean {
    return (
      this.#isExecution && (status & SERVER_STATUS_CURSOR_EXISTS) !== 0 && (status & SERVER_MORE_RESULTS_EXISTS) === 0
    )
  }

  #readError(bytes: Buffer, start: number, end: number): void {
    const error = decodeErr(bytes, start, end)
    if (this.#hasProgress && error.code === PROGRESS_REPORT) return
    this.error = error
    this.results++
    this.#phase = 'done'
  }

  /** 00 | statement id: 4 | columns: 2 | parameters: 2 | 00 | warnings: 2 [ metadata follow: 1 ] */
  #readPrepared(bytes: Buffer, start: number, end: number): Buffer | null {
    if (end - start < 12 || bytes[start] !== OK_HEADER) throw malformed('the answer to COM_STMT_PREPARE')
    this.statementId = bytes.readUInt32LE(start + 1)
    this.columns = bytes.readUInt16LE(start + 5)
    this.parameters = bytes.readUInt16LE(start + 7)
    this.warnings = bytes.readUInt16LE(start + 10)
    this.results++
    const isBare = this.#hasPrepareMetadataFlag && end - start > 12 && bytes[start + 12] === 0
    const eofs = this.#hasColumnsEof ? Number(this.parameters > 0) + Number(this.columns > 0) : 0
    this.#left = isBare ? 0 : this.parameters + this.columns + eofs
    this.#phase = this.#left > 0 ? 'counted' : 'done'
    if (this.#clientStatementId > 0) bytes.writeUInt32LE(this.#clientStatementId, start + 1)
    return this.#translation?.prepared(this.sequence, bytes, start, end) ?? null
  }

  /** columns: lenenc [ definitions follow: 1 ] */
  #readColumnCount(bytes: Buffer, start: number, end: number): Buffer | null {
    const reader = shared.reset(bytes, start, end)
    this.columns = reader.lenenc()
    const isBare = reader.left > 0 && reader.u8() === 0
    if (reader.left > 0 || this.columns === 0) throw malformed('neither a column count nor OK, ERR or EOF')
    this.#left = this.columns
    this.rowsBefore = this.rows
    this.#phase = isBare ? (this.#hasColumnsEof ? 'columns-end' : 'rows') : 'columns'
    return this.#translation?.columnCount(this.sequence, bytes, start, end) ?? null
  }

  #hold(packet: Buffer, bytes: Buffer, at: number, end: number): void {
    bytes.copy(packet, this.#held, at, end)
    this.#held += end - at
  }

  /** Goes on with what is held; when it is whole, or was but a header, it becomes the insert. */
  #fill(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (this.#packet === null) {
      const head = this.#head
      const headBytes = this.#continued ? PACKET_HEADER_BYTES : HEAD_BYTES
      at = Math.min(end, start + headBytes - this.#held)
      this.#hold(head, bytes, start, at)
      if (this.#held < headBytes) return end
      const length = head.readUIntLE(0, 3)
      if (!this.#isRead(head[4]!, length)) {
        this.#pass(length, head, 0)
        this.#skip -= headBytes - PACKET_HEADER_BYTES
        this.insert = Buffer.from(head.subarray(0, headBytes))
        this.#held = 0
        return at
      }
      this.#packet = newPacket(length)
      head.copy(this.#packet)
    }
    const packet = this.#packet
    const stop = Math.min(end, at + packet.length - this.#held)
    this.#hold(packet, bytes, at, stop)
    if (this.#held < packet.length) return end
    this.#held = 0
    this.#packet = null
    const replacement = this.#read(packet, 0, packet.length - PACKET_HEADER_BYTES)
    this.insert = replacement ?? (this.#cut > 0 ? packet.subarray(0, packet.length - this.#cut) : packet)
    return stop
  }
}

const shared = new PayloadReader()

function newPacket(length: number): Buffer {
  if (length > MAX_READ_BYTES) {
    throw new ProtocolError('packet-too-large', `a packet of ${length} bytes that is neither a row nor a column`)
  }
  return Buffer.allocUnsafe(PACKET_HEADER_BYTES + length)
}

function outOfOrder(sequence: number, due: number): ProtocolError {
  return new ProtocolError('packet-sequence', `sequence id ${sequence} where ${due} is due`)
}
