/**
 * The response tracker, login and proofs against a real server: MariaDB, or the one that PORTOLAN_TEST_MYSQL names as
 * `user:password@host:port` (its user may do everything, local_infile is on).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Capabilities,
  CLIENT_COMPRESS,
  CLIENT_CONNECT_ATTRS,
  CLIENT_DEPRECATE_EOF,
  CLIENT_LOCAL_FILES,
  CLIENT_MULTI_RESULTS,
  CLIENT_MULTI_STATEMENTS,
  CLIENT_OPTIONAL_RESULTSET_METADATA,
  CLIENT_PLUGIN_AUTH,
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA,
  CLIENT_PROTOCOL_41,
  CLIENT_PS_MULTI_RESULTS,
  CLIENT_RESERVED2,
  CLIENT_SESSION_TRACK,
  CLIENT_TRANSACTIONS,
  CLIENT_ZSTD_COMPRESSION_ALGORITHM,
  ClientAuth,
  COM_DEBUG,
  COM_FIELD_LIST,
  COM_INIT_DB,
  COM_PING,
  COM_PROCESS_INFO,
  COM_PROCESS_KILL,
  COM_REFRESH,
  COM_RESET_CONNECTION,
  COM_SET_OPTION,
  COM_STATISTICS,
  COM_STMT_BULK_EXECUTE,
  COM_STMT_CLOSE,
  COM_STMT_EXECUTE,
  COM_STMT_FETCH,
  COM_STMT_PREPARE,
  COM_STMT_RESET,
  COM_STMT_SEND_LONG_DATA,
  canCompress,
  encodeChangeUser,
  encodePacket,
  LAST_PREPARED_STATEMENT,
  MARIADB_CLIENT_BULK_UNIT_RESULTS,
  MARIADB_CLIENT_CACHE_METADATA,
  MARIADB_CLIENT_EXTENDED_METADATA,
  MARIADB_CLIENT_PROGRESS,
  MARIADB_CLIENT_STMT_BULK_OPERATIONS,
  MAX_PACKET_PAYLOAD,
  PayloadWriter,
  ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
  SERVER_STATUS_CURSOR_EXISTS,
  SERVER_STATUS_IN_TRANS,
  SERVER_STATUS_LAST_ROW_SENT,
} from '../../../codecs/mysql/index.ts'
import { everyFeed } from '../../support/feed.ts'
import { type MariadbServer, startMariadb } from '../../support/mariadb-server.ts'
import { check } from '../../support/redis-feed.ts'
import { type Address, Client, packetsOf, type Reply } from './client.ts'

const BASE =
  CLIENT_PROTOCOL_41 |
  CLIENT_TRANSACTIONS |
  CLIENT_RESERVED2 |
  CLIENT_PLUGIN_AUTH |
  CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
  CLIENT_CONNECT_ATTRS |
  CLIENT_MULTI_STATEMENTS |
  CLIENT_MULTI_RESULTS |
  CLIENT_PS_MULTI_RESULTS |
  CLIENT_LOCAL_FILES

const MARIADB =
  MARIADB_CLIENT_PROGRESS |
  MARIADB_CLIENT_STMT_BULK_OPERATIONS |
  MARIADB_CLIENT_EXTENDED_METADATA |
  MARIADB_CLIENT_CACHE_METADATA |
  MARIADB_CLIENT_BULK_UNIT_RESULTS

const VECTORS: readonly (readonly [string, Capabilities])[] = [
  ['as of 4.1', { low: BASE, mariadb: 0 }],
  ['DEPRECATE_EOF', { low: BASE | CLIENT_DEPRECATE_EOF, mariadb: 0 }],
  ['SESSION_TRACK', { low: BASE | CLIENT_SESSION_TRACK, mariadb: 0 }],
  ['both', { low: BASE | CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK, mariadb: 0 }],
  [
    'everything',
    {
      low: BASE | CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK | CLIENT_OPTIONAL_RESULTSET_METADATA,
      mariadb: MARIADB,
    },
  ],
  ['zlib', { low: BASE | CLIENT_COMPRESS | CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK, mariadb: 0 }],
  ['zlib, with EOF', { low: BASE | CLIENT_COMPRESS, mariadb: 0 }],
  // MariaDB has no zstd and takes this as no compression.
  ...(canCompress('zstd') ? [['zstd', { low: BASE | CLIENT_ZSTD_COMPRESSION_ALGORITHM, mariadb: 0 }] as const] : []),
  ['everything, with EOF', { low: BASE | CLIENT_OPTIONAL_RESULTSET_METADATA, mariadb: MARIADB }],
]

let server: MariadbServer | undefined
let address: Address
/** What servers sent in all tests, to be fed again in pieces. */
const recorded: Recorded[] = []

interface Recorded {
  readonly command: number
  readonly capabilities: Capabilities
  /** Not every packet tells it. */
  readonly statusBefore: number
  readonly raw: Buffer
  readonly facts: unknown
}

beforeAll(async () => {
  const given = /^(.*?):(.*)@(.*):(\d+)$/.exec(process.env['PORTOLAN_TEST_MYSQL'] ?? '')
  if (given) {
    address = { user: given[1]!, password: given[2]!, host: given[3]!, port: Number(given[4]) }
  } else {
    server = await startMariadb({ args: ['--max-allowed-packet=64M'] })
    address = { host: server.host, port: server.port, user: 'app', password: 'app' }
  }
  const client = await Client.login(address, { capabilities: VECTORS[0]![1] })
  for (const sql of SETUP) await client.run(sql)
  client.close()
})

afterAll(async () => {
  await server?.stop()
})

const SETUP = [
  'DROP DATABASE IF EXISTS codec',
  'CREATE DATABASE codec CHARACTER SET utf8mb4',
  'USE codec',
  'CREATE TABLE n10 (n INT PRIMARY KEY)',
  'INSERT INTO n10 VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)',
  'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))',
  'CREATE PROCEDURE two() BEGIN SELECT n FROM n10; SELECT 1, 2; END',
  'CREATE PROCEDURE gives(OUT o INT) BEGIN SET o = 42; END',
  "CREATE PROCEDURE fails() BEGIN SELECT n FROM n10; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'as told'; END",
]

const TRACK =
  "SET session_track_system_variables = 'autocommit,sql_mode,time_zone', session_track_schema = ON, session_track_state_change = ON, session_track_transaction_info = 'CHARACTERISTICS'"

const command = (code: number, ...rest: readonly (string | Uint8Array)[]) =>
  Buffer.concat([Buffer.of(code), ...rest.map(part => Buffer.from(part))])

const statement = (code: number, id: number, ...rest: readonly Uint8Array[]) =>
  command(code, new PayloadWriter().u32(id).payload(), ...rest)

/** All parameters are strings, or null. */
function execute(id: number, params: readonly (string | null)[], cursor = false): Buffer {
  const writer = new PayloadWriter()
    .u8(COM_STMT_EXECUTE)
    .u32(id)
    .u8(cursor ? 1 : 0)
    .u32(1)
  if (params.length === 0) return writer.payload()
  const nulls = Buffer.alloc((params.length + 7) >> 3)
  for (const [i, param] of params.entries()) if (param === null) nulls[i >> 3]! |= 1 << (i & 7)
  writer.bytes(nulls).u8(1)
  for (const _ of params) writer.u16(0xfd)
  for (const param of params) if (param !== null) writer.lenencString(param)
  return writer.payload()
}

const factsOf = (tracker: ResponseTracker) => ({
  results: tracker.results,
  columns: tracker.columns,
  rows: tracker.rows,
  status: tracker.status,
  warnings: tracker.warnings,
  affectedRows: tracker.affectedRows,
  insertId: tracker.insertId,
  error: tracker.error,
  parameters: tracker.parameters,
  packets: tracker.packets,
  sequence: tracker.sequence,
})

describe.each(VECTORS)('with capabilities %s', (_, capabilities) => {
  let client: Client
  const isMariadb = () => client.greeting.serverVersion.includes('MariaDB')
  const hasColumnsEof = () => (client.capabilities.low & CLIENT_DEPRECATE_EOF) === 0
  const tracks = () => (client.capabilities.low & CLIENT_SESSION_TRACK) !== 0

  /** Runs a command; afterwards a PING shows that the tracker found the right end. */
  async function say(
    payload: Buffer,
    clientStatementId = 0,
    interact?: (tracker: ResponseTracker) => Buffer | Promise<Buffer>,
  ) {
    const statusBefore = client.tracker.status
    const reply = await client.command(payload, clientStatementId, interact)
    const facts = { ...factsOf(reply.tracker), packets: reply.packets.length }
    const { statementId } = reply.tracker
    if (reply.raw.length < 300) {
      recorded.push({ command: payload[0]!, capabilities: client.capabilities, statusBefore, raw: reply.raw, facts })
    }
    await expectPong()
    return { ...facts, statementId, payloads: reply.packets }
  }

  async function expectPong() {
    const pong = await client.command(command(COM_PING))
    expect(pong.packets).toHaveLength(1)
    expect(pong.packets[0]![0]).toBe(0)
    expect(client.hasMore).toBe(false)
  }

  const query = (sql: string) => say(command(3, sql))

  beforeAll(async () => {
    client = await Client.login({ ...address, database: 'codec' }, { capabilities })
    if (tracks()) await client.run(TRACK)
  })

  afterAll(() => client.close())

  test('result sets', async () => {
    expect(await query('SELECT n, n + 1 FROM n10')).toMatchObject({ results: 1, columns: 2, rows: 10, error: null })
    expect(await query('SELECT 1 FROM n10 WHERE n > 9')).toMatchObject({ results: 1, columns: 1, rows: 0 })
    expect(await query("SELECT NULL, '', 'x' UNION ALL SELECT NULL, NULL, NULL")).toMatchObject({ columns: 3, rows: 2 })
    expect(await query("SELECT 'a' + 1")).toMatchObject({ rows: 1, warnings: 1 })
    expect(await query('SHOW WARNINGS')).toMatchObject({ columns: 3 })
  })

  test('results without rows', async () => {
    await query('TRUNCATE t')
    expect(await query("INSERT INTO t (v) VALUES ('a'), ('b'), ('c')")).toMatchObject({ affectedRows: 3, insertId: 1 })
    expect(await query("UPDATE t SET v = 'd' WHERE id > 1")).toMatchObject({ affectedRows: 2, insertId: 0, rows: 0 })
    expect(await query('INSERT INTO t VALUES (1000000, NULL)')).toMatchObject({ affectedRows: 1, insertId: 1_000_000 })
    expect(await query('DELETE FROM t')).toMatchObject({ affectedRows: 4 })
    expect(await query('DO 1')).toMatchObject({ results: 1, status: SERVER_STATUS_AUTOCOMMIT })
  })

  test('an insert id beyond 2^53', async () => {
    await query('CREATE TABLE large (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY)')
    expect(await query('INSERT INTO large VALUES (18446744073709551610)')).toMatchObject({
      insertId: 18446744073709551610n,
    })
    expect(await query('INSERT INTO large VALUES (9007199254740991)')).toMatchObject({ insertId: 9007199254740991 })
    await query('DROP TABLE large')
  })

  test('errors', async () => {
    expect(await query('SELEC 1')).toMatchObject({ error: { code: 1064, sqlState: '42000' }, results: 1 })
    expect(await query('SELECT * FROM nowhere')).toMatchObject({ error: { code: 1146, sqlState: '42S02' } })
    const { error, columns } = await query('CALL fails()')
    expect(error).toEqual({ code: 1644, sqlState: '45000', message: 'as told' })
    expect(columns).toBe(1)
  })

  test('an error in the middle of the rows', async () => {
    const sql = 'SELECT IF(a.n + b.n = 18, (SELECT n FROM n10), 1) FROM n10 a, n10 b ORDER BY a.n, b.n'
    const { error } = await query(sql)
    expect(error).toMatchObject({ code: 1242 })
  })

  test('several statements, several results', async () => {
    expect(await query("INSERT INTO t (v) VALUES ('a'); SELECT n FROM n10; DO 1; SELECT 1, 2, 3")).toMatchObject({
      results: 4,
      columns: 3,
      rows: 11,
      insertId: expect.any(Number),
    })
    expect(await query('SELECT 1; SELECT * FROM nowhere; SELECT 2')).toMatchObject({
      results: 2,
      rows: 1,
      error: { code: 1146 },
    })
    expect(await query('CALL two()')).toMatchObject({ results: 3, rows: 11, columns: 2 })
    expect(await query('CALL two(); CALL two()')).toMatchObject({ results: 6, rows: 22 })
    await query('DELETE FROM t')
  })

  test('transactions in the status', async () => {
    expect(await query('BEGIN')).toMatchObject({ status: SERVER_STATUS_IN_TRANS | SERVER_STATUS_AUTOCOMMIT })
    const { status } = await query('SELECT n FROM n10')
    expect(status & SERVER_STATUS_IN_TRANS).toBe(SERVER_STATUS_IN_TRANS)
    expect(await query('ROLLBACK')).toMatchObject({ status: SERVER_STATUS_AUTOCOMMIT })
    expect(await query('SET autocommit = 0')).toMatchObject({ status: 0 })
    expect(await query('SET autocommit = 1')).toMatchObject({ status: SERVER_STATUS_AUTOCOMMIT })
  })

  test('what the session trackers tell', async () => {
    const told = async (sql: string) => {
      client.told.length = 0
      await client.run(sql)
      return [...client.told].sort()
    }
    const expected = {
      'SET autocommit = 0': ['state', 'variable autocommit=OFF'],
      'SET autocommit = 1': ['state', 'variable autocommit=ON'],
      'USE mysql': ['schema mysql', 'state'],
      'USE codec': ['schema codec', 'state'],
      'SET @a = 1': ['state'],
      BEGIN: ['characteristics START TRANSACTION;', 'transaction T_______'],
      COMMIT: ['characteristics ', 'transaction ________'],
      'DO 1': [],
    }
    for (const [sql, trackers] of Object.entries(expected)) {
      expect([sql, await told(sql)]).toEqual([sql, tracks() ? trackers : []])
    }
  })

  test('the other commands', async () => {
    expect(await say(command(COM_PING))).toMatchObject({ results: 1, error: null })
    expect(await say(command(COM_INIT_DB, 'mysql'))).toMatchObject({ error: null })
    expect(await say(command(COM_INIT_DB, 'nowhere'))).toMatchObject({ error: { code: 1049 } })
    expect(await say(command(COM_INIT_DB, 'codec'))).toMatchObject({ error: null })
    const { payloads } = await say(command(COM_STATISTICS))
    expect(String(payloads[0])).toMatch(/^Uptime: /)
    expect(await say(command(COM_SET_OPTION, Buffer.of(1, 0)))).toMatchObject({ results: 1, error: null })
    expect(await query('SELECT 1; SELECT 2')).toMatchObject({ error: { code: 1064 } })
    expect(await say(command(COM_SET_OPTION, Buffer.of(0, 0)))).toMatchObject({ results: 1, error: null })
    expect(await say(command(COM_SET_OPTION, Buffer.of(9, 9)))).toMatchObject({ error: { code: 1047 } })
    expect(await say(command(COM_DEBUG))).toMatchObject({ results: 1 })
    expect(await say(command(0x7f))).toMatchObject({ error: { code: 1047 } })
    expect(await say(command(COM_PROCESS_KILL, Buffer.from([0xff, 0xff, 0xff, 0x7f])))).toMatchObject({
      error: { code: expect.any(Number) },
    })
    expect(await say(command(COM_REFRESH, Buffer.of(4)))).toMatchObject({ results: 1 })
    await say(command(COM_PROCESS_INFO))
    expect(await say(command(COM_FIELD_LIST, 't\0%'))).toMatchObject(
      isMariadb() ? { rows: 2, error: null } : { results: 1 },
    )
    expect(await say(command(COM_FIELD_LIST, 'nowhere\0%'))).toMatchObject({ error: { code: expect.any(Number) } })
  })

  test('COM_RESET_CONNECTION', async () => {
    await query('SET @a = 1')
    expect(await say(command(COM_RESET_CONNECTION))).toMatchObject({ results: 1, error: null })
    if (tracks()) await client.run(TRACK)
  })

  test('prepared statements', async () => {
    const { payloads, ...prepared } = await say(command(COM_STMT_PREPARE, 'SELECT n, ?, ? FROM n10 WHERE n < ?'), 77)
    expect(prepared).toMatchObject({ columns: 3, parameters: 3, results: 1 })
    expect(payloads[0]!.readUInt32LE(1)).toBe(77)
    expect(payloads).toHaveLength(1 + 3 + 3 + (hasColumnsEof() ? 2 : 0))
    const id = prepared.statementId
    expect(id).toBeGreaterThan(0)
    expect(await say(execute(id, ['a', null, '5']))).toMatchObject({ columns: 3, rows: 5, error: null })
    expect(await say(execute(id, ['a', null, '0']))).toMatchObject({ columns: 3, rows: 0 })
    expect(await say(execute(id, ['a', null, '5']))).toMatchObject({ columns: 3, rows: 5 })
    expect(await say(statement(COM_STMT_RESET, id))).toMatchObject({ results: 1, error: null })
    client.send(statement(COM_STMT_CLOSE, id))
    expect(await say(execute(id, ['a', null, '5']))).toMatchObject({ error: { code: 1243 } })
    expect(await say(command(COM_STMT_PREPARE, 'SELEC'))).toMatchObject({ error: { code: 1064 }, statementId: 0 })
    expect(await say(command(COM_STMT_PREPARE, 'DELETE FROM t WHERE id = ?'), 5)).toMatchObject({
      columns: 0,
      parameters: 1,
    })
    expect(await say(command(COM_STMT_PREPARE, 'DO 1'))).toMatchObject({ columns: 0, parameters: 0 })
  })

  test('long data', async () => {
    const { statementId } = await say(command(COM_STMT_PREPARE, 'SELECT LENGTH(?)'))
    for (let i = 0; i < 3; i++) {
      client.send(statement(COM_STMT_SEND_LONG_DATA, statementId, Buffer.from([0, 0]), Buffer.alloc(100_000, 'x')))
    }
    await expectPong()
    const writer = new PayloadWriter().u8(COM_STMT_EXECUTE).u32(statementId).u8(0).u32(1)
    const { payloads, rows } = await say(writer.u8(0).u8(1).u16(0xfc).payload())
    expect(rows).toBe(1)
    expect(payloads.some(payload => payload[0] === 0 && payload.includes(Buffer.of(0xe0, 0x93, 4)))).toBe(true)
  })

  test('cursors', async () => {
    const { statementId } = await say(command(COM_STMT_PREPARE, 'SELECT n FROM n10 WHERE n < ?'))
    const opened = await say(execute(statementId, ['7'], true))
    expect(opened).toMatchObject({ rows: 0, columns: 1, results: 1 })
    expect(opened.status & SERVER_STATUS_CURSOR_EXISTS).toBe(SERVER_STATUS_CURSOR_EXISTS)
    const fetch = (count: number) =>
      say(statement(COM_STMT_FETCH, statementId, new PayloadWriter().u32(count).payload()))
    expect(await fetch(3)).toMatchObject({ rows: 3, results: 1 })
    const last = await fetch(30)
    expect(last).toMatchObject({ rows: 4 })
    expect(last.status & SERVER_STATUS_LAST_ROW_SENT).toBe(SERVER_STATUS_LAST_ROW_SENT)
    expect(await fetch(3)).toMatchObject({ error: { code: expect.any(Number) } })
  })

  test('CALL as a prepared statement', async () => {
    const two = await say(command(COM_STMT_PREPARE, 'CALL two()'))
    expect(await say(execute(two.statementId, []))).toMatchObject({ results: 3, rows: 11, error: null })
    const gives = await say(command(COM_STMT_PREPARE, 'CALL gives(?)'))
    expect(await say(execute(gives.statementId, [null]))).toMatchObject({ results: 2, rows: 1, columns: 1 })
    const fails = await say(command(COM_STMT_PREPARE, 'CALL fails()'))
    expect(await say(execute(fails.statementId, []))).toMatchObject({ error: { code: 1644 } })
  })

  test('a file of the client', async () => {
    const sql = "LOAD DATA LOCAL INFILE 'any name' INTO TABLE t FIELDS TERMINATED BY ',' (v)"
    client.tracker.allowLocalInfile = true
    const sends = (tracker: ResponseTracker) => {
      expect(tracker.awaiting).toBe('infile')
      const parts = ['one\ntwo\n', 'three\n', ''].map(text => encodePacket(++tracker.sequence, Buffer.from(text)))
      return Buffer.concat(parts)
    }
    const loaded = await say(command(3, sql), 0, sends)
    expect(loaded).toMatchObject({ affectedRows: 3, error: null, results: 1 })
    expect(loaded.payloads[0]!.toString('latin1')).toBe('\xfbany name')
    expect(await say(command(3, `${sql}; SELECT 1`), 0, sends)).toMatchObject({ results: 2, rows: 1 })
    client.tracker.allowLocalInfile = false
    const refused = await say(command(3, sql), 0, tracker => encodePacket(++tracker.sequence, Buffer.alloc(0)))
    expect(refused).toMatchObject({ affectedRows: 0 })
    // MariaDB reports its progress in packets of their own.
    expect(refused.payloads.filter(payload => payload[1] !== 0xff).map(payload => payload[0])).toEqual([0])
    await query('DELETE FROM t')
  })

  test('many rows', async () => {
    const sql = "SELECT a.n, b.n, c.n, d.n, e.n, 'some text' FROM n10 a, n10 b, n10 c, n10 d, n10 e"
    expect(await query(sql)).toMatchObject({ rows: 100_000, results: 1 })
    const { statementId } = await say(command(COM_STMT_PREPARE, sql))
    expect(await say(execute(statementId, []))).toMatchObject({ rows: 100_000, results: 1 })
  })

  test('rows of 16 MiB and more, and statements', async context => {
    if (capabilities.mariadb !== 0 || tracks()) return context.skip()
    for (const length of capabilities === VECTORS[0]![1] ? [-1, 0, MAX_PACKET_PAYLOAD] : [0]) {
      // The column's own length takes 4 bytes below 16 MiB and 9 beyond.
      const bytes = MAX_PACKET_PAYLOAD - 4 + length
      const { rows, payloads } = await query(`SELECT REPEAT('x', ${bytes}) UNION ALL SELECT 'y'`)
      expect(rows).toBe(2)
      expect(payloads.some(payload => payload.length === bytes + (bytes < 0x100_0000 ? 4 : 9))).toBe(true)
    }
    const { payloads } = await query(`SELECT LENGTH('${'x'.repeat(MAX_PACKET_PAYLOAD + 1)}')`)
    expect(payloads.some(payload => payload.includes(String(MAX_PACKET_PAYLOAD + 1)))).toBe(true)
  })

  test('commands one behind the other, without waiting', async () => {
    // Not within one frame where there are frames: servers forget what is behind the first packet.
    for (const sql of ['SELECT n FROM n10', 'SET @a = 1', 'SELEC']) client.send(command(3, sql))
    client.send(command(COM_PING))
    const replies: Reply['packets'][] = []
    for (let i = 0; i < 3; i++) replies.push((await client.receive(3)).packets)
    expect(replies.map(packets => packets.at(-1)![0])).toEqual([0xfe, 0, 0xff])
    expect(replies.map(packets => packets.length)).toEqual([hasColumnsEof() ? 14 : 13, 1, 1])
    expect((await client.receive(COM_PING)).packets).toHaveLength(1)
  })

  test('COM_CHANGE_USER', async () => {
    const { user = '', password = '' } = address
    const auth = new ClientAuth({ password, secure: false, requestPublicKey: true })
    const plugin = client.greeting.authPlugin
    const change = (proof: Buffer) =>
      encodeChangeUser(
        { user, proof, database: 'codec', collation: 45, authPlugin: plugin, attributes: [] },
        client.capabilities,
      )
    const interact = async (tracker: ResponseTracker) => {
      const answer = await auth.answer(tracker.authPacket, 0, tracker.authPacket.length)
      return answer === null ? Buffer.alloc(0) : encodePacket(++tracker.sequence, answer)
    }
    const right = await say(change(auth.begin(plugin, client.greeting.scramble)).subarray(4), 0, interact)
    expect(right).toMatchObject({ error: null, results: 1 })
    if (tracks()) await client.run(TRACK)
  })

  test('COM_CHANGE_USER with a wrong password', async context => {
    // It takes a second.
    if (capabilities !== VECTORS[0]![1]) return context.skip()
    const change = { user: address.user ?? '', proof: Buffer.alloc(20, 1), database: '', collation: 45, attributes: [] }
    const payload = encodeChangeUser(
      { ...change, authPlugin: client.greeting.authPlugin },
      client.capabilities,
    ).subarray(4)
    const { tracker } = await client.command(payload, 0, ({ sequence }) =>
      encodePacket(sequence + 1, Buffer.alloc(20, 1)),
    )
    expect(tracker.error).toMatchObject({ code: 1045, sqlState: '28000' })
    client.close()
    client = await Client.login({ ...address, database: 'codec' }, { capabilities })
  })

  test("MariaDB's additions", async context => {
    if (!isMariadb() || client.capabilities.mariadb === 0) return context.skip()
    // The columns of a statement come once and not again.
    const { statementId } = await say(command(COM_STMT_PREPARE, 'SELECT n FROM n10'))
    const first = await say(execute(statementId, []))
    const second = await say(execute(statementId, []))
    expect(first.rows + second.rows).toBe(20)
    expect(second.payloads[0]!.toString('hex')).toBe('0100')
    // The statement prepared last has a name before its answer has come.
    client.send(command(COM_STMT_PREPARE, 'SELECT 5'))
    client.send(execute(LAST_PREPARED_STATEMENT, []))
    expect((await client.receive(COM_STMT_PREPARE, 9)).packets[0]!.readUInt32LE(1)).toBe(9)
    expect((await client.receive(COM_STMT_EXECUTE)).tracker).toMatchObject({ rows: 1, error: null })
    // Many rows of parameters in one command.
    const insert = await say(command(COM_STMT_PREPARE, 'INSERT INTO t (v) VALUES (?)'))
    const bulk = new PayloadWriter().u8(COM_STMT_BULK_EXECUTE).u32(insert.statementId).u16(128).u16(0xfd)
    for (const value of ['a', 'b', 'c']) bulk.u8(0).lenencString(value)
    expect(await say(bulk.payload())).toMatchObject({ affectedRows: 3, error: null })
    await query('DELETE FROM t')
    // Reports of progress come before the answer and are none.
    await query('SET progress_report_time = 1')
    const report = await query('SELECT SLEEP(0.1)')
    expect(report).toMatchObject({ rows: 1, error: null })
  })
})

test('whatever was sent above, however it comes in pieces', () => {
  expect(recorded.length).toBeGreaterThan(100)
  const sink = {
    onVariable() {},
    onSchema() {},
    onStateChange() {},
    onGtids() {},
    onTransactionCharacteristics() {},
    onTransactionState() {},
  }
  const next = Buffer.from([1, 0, 0, 1, 0])
  for (const { command, capabilities, statusBefore, raw, facts } of recorded) {
    for (const { way, pieces } of everyFeed(raw, next)) {
      const tracker = new ResponseTracker(capabilities, sink)
      tracker.allowLocalInfile = true
      tracker.status = statusBefore
      tracker.begin(command)
      const passed: Buffer[] = []
      let taken = 0
      for (const given of pieces) {
        const piece = Buffer.from(given)
        for (let at = 0; at < piece.length && !tracker.ended; ) {
          const stop = tracker.write(piece, at, piece.length)
          passed.push(piece.subarray(at, tracker.passEnd))
          if (tracker.insert) passed.push(tracker.insert)
          taken += stop - at
          at = stop
        }
      }
      const sent = Buffer.concat(passed)
      // On a compressed connection the sequence ids are written anew.
      const isCompressed = (capabilities.low & (CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION_ALGORITHM)) !== 0
      const isSame = isCompressed ? sent.length === raw.length : sent.equals(raw)
      // One expectation of vitest's for each cut would take minutes.
      check(tracker.ended && taken === raw.length && isSame, `${raw.toString('hex')} ${way}`)
      if (pieces.length === 2) continue
      if (isCompressed) expect(packetsOf(sent, false)).toEqual(packetsOf(raw, false))
      const { packets, sequence, ...found } = factsOf(tracker)
      expect(facts).toMatchObject(found)
    }
  }
})
