/**
 * The commands of the protocol and what answers them.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html and, for the three last ones,
 * https://mariadb.com/docs/server/reference/clientserver-protocol
 */
export const COM_SLEEP = 0x00
export const COM_QUIT = 0x01
export const COM_INIT_DB = 0x02
export const COM_QUERY = 0x03
export const COM_FIELD_LIST = 0x04
export const COM_CREATE_DB = 0x05
export const COM_DROP_DB = 0x06
export const COM_REFRESH = 0x07
export const COM_SHUTDOWN = 0x08
export const COM_STATISTICS = 0x09
export const COM_PROCESS_INFO = 0x0a
export const COM_CONNECT = 0x0b
export const COM_PROCESS_KILL = 0x0c
export const COM_DEBUG = 0x0d
export const COM_PING = 0x0e
export const COM_TIME = 0x0f
export const COM_DELAYED_INSERT = 0x10
export const COM_CHANGE_USER = 0x11
export const COM_BINLOG_DUMP = 0x12
export const COM_TABLE_DUMP = 0x13
export const COM_CONNECT_OUT = 0x14
export const COM_REGISTER_SLAVE = 0x15
export const COM_STMT_PREPARE = 0x16
export const COM_STMT_EXECUTE = 0x17
export const COM_STMT_SEND_LONG_DATA = 0x18
export const COM_STMT_CLOSE = 0x19
export const COM_STMT_RESET = 0x1a
export const COM_SET_OPTION = 0x1b
export const COM_STMT_FETCH = 0x1c
export const COM_DAEMON = 0x1d
export const COM_BINLOG_DUMP_GTID = 0x1e
export const COM_RESET_CONNECTION = 0x1f
export const COM_CLONE = 0x20
/** MariaDB: COM_STMT_EXECUTE for many rows of parameters. */
export const COM_STMT_BULK_EXECUTE = 0xfa

/** Of COM_SET_OPTION. */
export const MYSQL_OPTION_MULTI_STATEMENTS_ON = 0
export const MYSQL_OPTION_MULTI_STATEMENTS_OFF = 1

/** MariaDB: as the id in COM_STMT_EXECUTE and the like, the statement prepared last, whose answer need not have come yet. */
export const LAST_PREPARED_STATEMENT = 0xffff_ffff

/**
 * What answers a command; ERR may be in place of each.
 *
 *     none     nothing
 *     ok       OK or EOF
 *     result   OK, LOCAL INFILE request or result set; more of these while MORE_RESULTS is set
 *     rows     packets, then EOF or OK: a result set without its head
 *     prepare  the statement's id, then definitions of parameters and columns
 *     string   one packet of text
 *     auth     rounds of AuthSwitchRequest and AuthMoreData, each answered by the client, then OK
 *     endless  packets until EOF, which may never come
 */
export type ResponseShape = 'none' | 'ok' | 'result' | 'rows' | 'prepare' | 'string' | 'auth' | 'endless'

export interface CommandFacts {
  /** Such as `QUERY`: may be a metric label. */
  readonly name: string
  readonly response: ResponseShape
  /** The payload holds a statement's id of 4 bytes behind the command byte. */
  readonly statement: boolean
}

const rows: readonly (readonly [code: number, name: string, response: ResponseShape, statement?: 'statement'])[] = [
  [COM_SLEEP, 'SLEEP', 'ok'],
  [COM_QUIT, 'QUIT', 'none'],
  [COM_INIT_DB, 'INIT_DB', 'ok'],
  [COM_QUERY, 'QUERY', 'result'],
  [COM_FIELD_LIST, 'FIELD_LIST', 'rows'],
  [COM_CREATE_DB, 'CREATE_DB', 'ok'],
  [COM_DROP_DB, 'DROP_DB', 'ok'],
  [COM_REFRESH, 'REFRESH', 'ok'],
  [COM_SHUTDOWN, 'SHUTDOWN', 'ok'],
  [COM_STATISTICS, 'STATISTICS', 'string'],
  [COM_PROCESS_INFO, 'PROCESS_INFO', 'result'],
  [COM_CONNECT, 'CONNECT', 'ok'],
  [COM_PROCESS_KILL, 'PROCESS_KILL', 'ok'],
  [COM_DEBUG, 'DEBUG', 'ok'],
  [COM_PING, 'PING', 'ok'],
  [COM_TIME, 'TIME', 'ok'],
  [COM_DELAYED_INSERT, 'DELAYED_INSERT', 'ok'],
  [COM_CHANGE_USER, 'CHANGE_USER', 'auth'],
  [COM_BINLOG_DUMP, 'BINLOG_DUMP', 'endless'],
  [COM_TABLE_DUMP, 'TABLE_DUMP', 'endless'],
  [COM_CONNECT_OUT, 'CONNECT_OUT', 'ok'],
  [COM_REGISTER_SLAVE, 'REGISTER_SLAVE', 'ok'],
  [COM_STMT_PREPARE, 'STMT_PREPARE', 'prepare'],
  [COM_STMT_EXECUTE, 'STMT_EXECUTE', 'result', 'statement'],
  [COM_STMT_SEND_LONG_DATA, 'STMT_SEND_LONG_DATA', 'none', 'statement'],
  [COM_STMT_CLOSE, 'STMT_CLOSE', 'none', 'statement'],
  [COM_STMT_RESET, 'STMT_RESET', 'ok', 'statement'],
  [COM_SET_OPTION, 'SET_OPTION', 'ok'],
  [COM_STMT_FETCH, 'STMT_FETCH', 'rows', 'statement'],
  [COM_DAEMON, 'DAEMON', 'ok'],
  [COM_BINLOG_DUMP_GTID, 'BINLOG_DUMP_GTID', 'endless'],
  [COM_RESET_CONNECTION, 'RESET_CONNECTION', 'ok'],
  [COM_CLONE, 'CLONE', 'endless'],
  [COM_STMT_BULK_EXECUTE, 'STMT_BULK_EXECUTE', 'result', 'statement'],
]

const UNKNOWN: CommandFacts = { name: 'UNKNOWN', response: 'ok', statement: false }

const TABLE: readonly CommandFacts[] = Array.from({ length: 256 }, (_, code) => {
  const row = rows.find(([known]) => known === code)
  return row ? { name: row[1], response: row[2], statement: row[3] !== undefined } : UNKNOWN
})

/** The facts of a command byte; of one that nobody knows: a server answers it with error 1047. */
export function commandFacts(command: number): CommandFacts {
  return TABLE[command & 0xff]!
}
