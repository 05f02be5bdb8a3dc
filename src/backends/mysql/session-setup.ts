/** What a connection is made ready with after the login: what it is like is asked, and session tracking switched on. */
import {
  type Capabilities,
  CLIENT_SESSION_TRACK,
  COM_QUERY,
  decodeTextResults,
  encodePacket,
  ResponseTracker,
  type SessionTrackerSink,
} from '../../../codecs/mysql/index.ts'
import { read } from './handshake.ts'
import { queryPacket, type Rows } from './own-statements.ts'
import type { PacketWire } from './packet-wire.ts'
import { type Baseline, setStatement } from './session-state.ts'
import { TRACKED_VARIABLES, variablesQuery } from './variables.ts'

/** How a server tells the GTIDs of what is written, if it does. */
export type GtidKind = 'mysql' | 'mariadb'

export interface SessionSetup {
  readonly baseline: Baseline
  /** What is to be sent behind each reset of the connection; empty when the server has no session tracking. */
  readonly statement: string
  /** The server's max_prepared_stmt_count. */
  readonly maxPreparedStatements: number
  /** Null when GTIDs are not told, or not asked for. */
  readonly gtids: GtidKind | null
}

/** Of the server, beside what moves with sessions. */
const FACTS = ['max_prepared_stmt_count', 'session_track_gtids', 'gtid_mode', 'last_gtid', 'log_bin']

/** Rejects with ServerRefusal, ProxyError or ProtocolError; the wire is then of no use. */
export async function setUp(wire: PacketWire, capabilities: Capabilities, tracksGtids: boolean): Promise<SessionSetup> {
  const rows = await query(wire, capabilities, variablesQuery([...TRACKED_VARIABLES, ...FACTS]))
  const variables = new Map(rows.map(([name, value]) => [name!.toLowerCase(), value ?? '']))
  const baseline = new Map([...variables].filter(([name]) => !FACTS.includes(name)))
  const tracks = (capabilities.low & CLIENT_SESSION_TRACK) !== 0
  const gtids = tracks && tracksGtids ? gtidKindOf(variables) : null
  const tracking = tracks ? trackingOn(baseline, gtids) : ''
  // The login has set the character sets.
  if (tracks) await query(wire, capabilities, `SET ${tracking}`)
  const statement = tracks ? `${charsetsAsAfterLogin(baseline)},${tracking}` : ''
  const maxPreparedStatements = Number(variables.get('max_prepared_stmt_count') ?? Number.POSITIVE_INFINITY)
  return { baseline, statement, maxPreparedStatements, gtids }
}

function gtidKindOf(variables: ReadonlyMap<string, string>): GtidKind | null {
  if (variables.has('session_track_gtids')) return variables.get('gtid_mode')?.startsWith('ON') ? 'mysql' : null
  return variables.has('last_gtid') && variables.get('log_bin') === 'ON' ? 'mariadb' : null
}

function trackingOn(baseline: Baseline, gtids: GtidKind | null): string {
  return [
    'SESSION session_track_schema=ON',
    'SESSION session_track_state_change=ON',
    "SESSION session_track_transaction_info='CHARACTERISTICS'",
    `SESSION session_track_system_variables='${[...baseline.keys(), ...(gtids === 'mariadb' ? ['last_gtid'] : [])].join(',')}'`,
    ...(gtids === 'mysql' ? ["SESSION session_track_gtids='OWN_GTID'"] : []),
  ].join(',')
}

/** SET NAMES also sets the collation of metadata, as the login does and the single variables do not. */
function charsetsAsAfterLogin(baseline: Baseline): string {
  const charsets = CHARSETS.map(name => baseline.get(name) ?? '')
  const charset = charsets[0]!
  const collation = baseline.get(COLLATION) ?? ''
  if (/^\w+$/.test(charset) && /^\w+$/.test(collation) && charsets.every(name => name === charset)) {
    return `SET NAMES ${charset} COLLATE ${collation}`
  }
  return setStatement(new Map([...baseline].filter(([name]) => CHARSETS.includes(name) || name === COLLATION)))
}

const CHARSETS = ['character_set_client', 'character_set_connection', 'character_set_results']
const COLLATION = 'collation_connection'

/** A statement of ours; its rows, none for a statement without a result. Rejects with ServerRefusal. */
async function query(wire: PacketWire, capabilities: Capabilities, sql: string): Promise<Rows> {
  wire.restart()
  wire.write(queryPacket(sql, capabilities))
  const tracker = new ResponseTracker(capabilities, UNTRACKED)
  tracker.begin(COM_QUERY)
  const packets: Buffer[] = []
  while (!tracker.ended) {
    const { sequence } = wire
    const packet = encodePacket(sequence, await read(wire))
    tracker.write(packet, 0, packet.length)
    packets.push(packet)
  }
  return decodeTextResults(Buffer.concat(packets), capabilities)[0]?.rows ?? []
}

/** What the setup itself changes is the state that everything else is compared with. */
const UNTRACKED: SessionTrackerSink = {
  onVariable() {},
  onSchema() {},
  onStateChange() {},
  onGtids() {},
  onTransactionCharacteristics() {},
  onTransactionState() {},
}
