/**
 * The errors that we send in a server's stead, with the server's own codes, states and words, and those that we look
 * for in its answers. https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
 *
 * None is of the clients' own range (2000 to 2999): MariaDB's library takes such an error of a server's for a malformed packet.
 */
export interface ServerError {
  readonly code: number
  /** Five characters. */
  readonly sqlState: string
  readonly message: string
}

export const ServerErrors = {
  tooManyConnections: { code: 1040, sqlState: '08004', message: 'Too many connections' },
  outOfResources: { code: 1041, sqlState: 'HY000', message: 'Out of memory.' },
  badHandshake: { code: 1043, sqlState: '08S01', message: 'Bad handshake' },
  databaseAccessDenied: { code: 1044, sqlState: '42000', message: 'Access denied to database' },
  accessDenied: { code: 1045, sqlState: '28000', message: 'Access denied' },
  noDatabase: { code: 1046, sqlState: '3D000', message: 'No database selected' },
  unknownCommand: { code: 1047, sqlState: '08S01', message: 'Unknown command' },
  unknownDatabase: { code: 1049, sqlState: '42000', message: 'Unknown database' },
  shutdown: { code: 1053, sqlState: '08S01', message: 'Server shutdown in progress' },
  syntax: { code: 1064, sqlState: '42000', message: 'You have an error in your SQL syntax' },
  noSuchThread: { code: 1094, sqlState: 'HY000', message: 'Unknown thread id' },
  notOwnerOfThread: { code: 1095, sqlState: 'HY000', message: 'You are not owner of that thread' },
  unknown: { code: 1105, sqlState: 'HY000', message: 'Unknown error' },
  notAllowed: { code: 1148, sqlState: '42000', message: 'The used command is not allowed with this MariaDB version' },
  packetTooLarge: { code: 1153, sqlState: '08S01', message: "Got a packet bigger than 'max_allowed_packet' bytes" },
  packetsOutOfOrder: { code: 1156, sqlState: '08S01', message: 'Got packets out of order' },
  cannotUncompress: { code: 1157, sqlState: '08S01', message: "Couldn't uncompress communication packet" },
  readError: { code: 1158, sqlState: '08S01', message: 'Got an error reading communication packets' },
  readTimeout: { code: 1159, sqlState: '08S01', message: 'Got timeout reading communication packets' },
  writeTimeout: { code: 1161, sqlState: '08S01', message: 'Got timeout writing communication packets' },
  lockWaitTimeout: { code: 1205, sqlState: 'HY000', message: 'Lock wait timeout exceeded; try restarting transaction' },
  deadlock: {
    code: 1213,
    sqlState: '40001',
    message: 'Deadlock found when trying to get lock; try restarting transaction',
  },
  resourceLimit: { code: 1226, sqlState: '42000', message: 'User has exceeded a resource limit' },
  unknownStatement: { code: 1243, sqlState: 'HY000', message: 'Unknown prepared statement handler given' },
  unsupportedAuth: {
    code: 1251,
    sqlState: '08004',
    message: 'Client does not support authentication protocol requested by server; consider upgrading MySQL client',
  },
  readOnly: {
    code: 1290,
    sqlState: 'HY000',
    message: 'The MySQL server is running with the --read-only option so it cannot execute this statement',
  },
  notSupported: { code: 1235, sqlState: '42000', message: "This version of MySQL doesn't yet support this" },
  queryInterrupted: { code: 1317, sqlState: '70100', message: 'Query execution was interrupted' },
  tooManyStatements: {
    code: 1461,
    sqlState: '42000',
    message: "Can't create more than max_prepared_stmt_count statements",
  },
  reprepare: { code: 1615, sqlState: 'HY000', message: 'Prepared statement needs to be re-prepared' },
  readOnlyTransaction: {
    code: 1792,
    sqlState: '25006',
    message: 'Cannot execute statement in a READ ONLY transaction.',
  },
  malformedPacket: { code: 1835, sqlState: 'HY000', message: 'Malformed communication packet' },
  connectionKilled: { code: 1927, sqlState: '70100', message: 'Connection was killed' },
  serverLost: { code: 1927, sqlState: '08S01', message: 'Lost connection to MySQL server during query' },
  secureTransportRequired: {
    code: 3159,
    sqlState: '08004',
    message: 'Connections using insecure transport are prohibited while --require_secure_transport=ON.',
  },
  idleTimeout: {
    code: 4031,
    sqlState: 'HY000',
    message:
      'The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for configuring this behavior.',
  },
} as const satisfies Readonly<Record<string, ServerError>>
