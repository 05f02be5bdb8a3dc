/** From command bytes to functions; what has no line is no command. */
import * as Com from '../../../codecs/mysql/index.ts'
import { type CommandHandler, Handled } from '../command-handler.ts'
import { BULK_EXECUTE, EXECUTE, FETCH, LONG_DATA, RESET } from './executions.ts'
import { PROCESS_KILL } from './kill.ts'
import { QUERY } from './query.ts'
import { CHANGE_USER, INIT_DB, QUIT, REPLICATION, RESET_CONNECTION, SET_OPTION } from './session-commands.ts'
import { CLOSE, PREPARE } from './statements.ts'

export { isForgotten } from './executions.ts'

const FORWARD: CommandHandler = () => Handled.FORWARD

const TABLE: readonly (readonly [command: number, handler: CommandHandler])[] = [
  [Com.COM_QUIT, QUIT],
  [Com.COM_INIT_DB, INIT_DB],
  [Com.COM_QUERY, QUERY],
  [Com.COM_FIELD_LIST, FORWARD],
  [Com.COM_CREATE_DB, FORWARD],
  [Com.COM_DROP_DB, FORWARD],
  [Com.COM_REFRESH, FORWARD],
  [Com.COM_SHUTDOWN, FORWARD],
  [Com.COM_STATISTICS, FORWARD],
  [Com.COM_PROCESS_INFO, FORWARD],
  [Com.COM_PROCESS_KILL, PROCESS_KILL],
  [Com.COM_DEBUG, FORWARD],
  [Com.COM_PING, FORWARD],
  [Com.COM_CHANGE_USER, CHANGE_USER],
  [Com.COM_BINLOG_DUMP, REPLICATION],
  [Com.COM_TABLE_DUMP, REPLICATION],
  [Com.COM_REGISTER_SLAVE, REPLICATION],
  [Com.COM_STMT_PREPARE, PREPARE],
  [Com.COM_STMT_EXECUTE, EXECUTE],
  [Com.COM_STMT_SEND_LONG_DATA, LONG_DATA],
  [Com.COM_STMT_CLOSE, CLOSE],
  [Com.COM_STMT_RESET, RESET],
  [Com.COM_SET_OPTION, SET_OPTION],
  [Com.COM_STMT_FETCH, FETCH],
  [Com.COM_BINLOG_DUMP_GTID, REPLICATION],
  [Com.COM_RESET_CONNECTION, RESET_CONNECTION],
  [Com.COM_CLONE, REPLICATION],
  [Com.COM_STMT_BULK_EXECUTE, BULK_EXECUTE],
]

export const HANDLERS: readonly (CommandHandler | undefined)[] = Array.from(
  { length: 256 },
  (_, command) => TABLE.find(([known]) => known === command)?.[1],
)
