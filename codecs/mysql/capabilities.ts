/**
 * Capability flags: what a peer understands and wants, exchanged in greeting and login. MariaDB has a second word of 32
 * bits, valid when bit 0 of the first (which it calls CLIENT_MYSQL) is not set.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__capabilities__flags.html
 * https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#capabilities
 */

/** Bit 0: for MariaDB "I am no MariaDB", then the extended capabilities do not count. */
export const CLIENT_LONG_PASSWORD = 1
/** Affected rows of an UPDATE are the rows found, not the rows changed. */
export const CLIENT_FOUND_ROWS = 1 << 1
export const CLIENT_LONG_FLAG = 1 << 2
export const CLIENT_CONNECT_WITH_DB = 1 << 3
export const CLIENT_NO_SCHEMA = 1 << 4
export const CLIENT_COMPRESS = 1 << 5
export const CLIENT_ODBC = 1 << 6
export const CLIENT_LOCAL_FILES = 1 << 7
export const CLIENT_IGNORE_SPACE = 1 << 8
export const CLIENT_PROTOCOL_41 = 1 << 9
export const CLIENT_INTERACTIVE = 1 << 10
export const CLIENT_SSL = 1 << 11
export const CLIENT_IGNORE_SIGPIPE = 1 << 12
export const CLIENT_TRANSACTIONS = 1 << 13
export const CLIENT_RESERVED = 1 << 14
/** Once CLIENT_SECURE_CONNECTION: the proof in the login carries a length byte. */
export const CLIENT_RESERVED2 = 1 << 15
export const CLIENT_MULTI_STATEMENTS = 1 << 16
export const CLIENT_MULTI_RESULTS = 1 << 17
export const CLIENT_PS_MULTI_RESULTS = 1 << 18
export const CLIENT_PLUGIN_AUTH = 1 << 19
export const CLIENT_CONNECT_ATTRS = 1 << 20
export const CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA = 1 << 21
export const CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS = 1 << 22
export const CLIENT_SESSION_TRACK = 1 << 23
/** Result sets have no EOF behind their columns and end with an OK packet whose first byte is 0xfe. */
export const CLIENT_DEPRECATE_EOF = 1 << 24
export const CLIENT_OPTIONAL_RESULTSET_METADATA = 1 << 25
export const CLIENT_ZSTD_COMPRESSION_ALGORITHM = 1 << 26
/** COM_QUERY and COM_STMT_EXECUTE carry named values; the statement does not begin at the second byte. */
export const CLIENT_QUERY_ATTRIBUTES = 1 << 27
export const CLIENT_MULTI_FACTOR_AUTHENTICATION = 1 << 28
export const CLIENT_CAPABILITY_EXTENSION = 1 << 29
export const CLIENT_SSL_VERIFY_SERVER_CERT = 1 << 30
export const CLIENT_REMEMBER_OPTIONS = (1 << 31) >>> 0

/** Error packets with code 0xffff tell how far a statement has come. */
export const MARIADB_CLIENT_PROGRESS = 1
export const MARIADB_CLIENT_COM_MULTI = 1 << 1
export const MARIADB_CLIENT_STMT_BULK_OPERATIONS = 1 << 2
/** Column definitions carry one more string. */
export const MARIADB_CLIENT_EXTENDED_METADATA = 1 << 3
/** A prepared statement's result may come without the columns that the client knows already. */
export const MARIADB_CLIENT_CACHE_METADATA = 1 << 4
export const MARIADB_CLIENT_BULK_UNIT_RESULTS = 1 << 5

/** Both words, each an unsigned integer of 32 bits. */
export interface Capabilities {
  readonly low: number
  /** MariaDB's extended capabilities; 0 with any other peer. */
  readonly mariadb: number
}

export const NO_CAPABILITIES: Capabilities = { low: 0, mariadb: 0 }

/** What concerns one hop only: negotiated on each side by itself. */
export const HOP_LOCAL: Capabilities = {
  low:
    (CLIENT_SSL |
      CLIENT_COMPRESS |
      CLIENT_ZSTD_COMPRESSION_ALGORITHM |
      CLIENT_PLUGIN_AUTH |
      CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA |
      CLIENT_CONNECT_ATTRS |
      CLIENT_CONNECT_WITH_DB |
      CLIENT_MULTI_FACTOR_AUTHENTICATION |
      CLIENT_SSL_VERIFY_SERVER_CERT |
      CLIENT_REMEMBER_OPTIONS) >>>
    0,
  mariadb: 0,
}

/** What changes the bytes of responses: equal on both hops, or nothing could pass as it is. */
export const RESPONSE_SHAPING: Capabilities = {
  low:
    CLIENT_PROTOCOL_41 |
    CLIENT_MULTI_RESULTS |
    CLIENT_PS_MULTI_RESULTS |
    CLIENT_SESSION_TRACK |
    CLIENT_DEPRECATE_EOF |
    CLIENT_OPTIONAL_RESULTSET_METADATA,
  mariadb:
    MARIADB_CLIENT_PROGRESS |
    MARIADB_CLIENT_EXTENDED_METADATA |
    MARIADB_CLIENT_CACHE_METADATA |
    MARIADB_CLIENT_BULK_UNIT_RESULTS,
}

/** What changes the bytes of requests. CLIENT_MULTI_STATEMENTS is not among them: COM_SET_OPTION changes it later. */
export const REQUEST_SHAPING: Capabilities = {
  low: CLIENT_QUERY_ATTRIBUTES,
  mariadb: MARIADB_CLIENT_STMT_BULK_OPERATIONS,
}

/** What changes nothing but the meaning. */
export const SEMANTIC: Capabilities = {
  low:
    CLIENT_FOUND_ROWS |
    CLIENT_NO_SCHEMA |
    CLIENT_LOCAL_FILES |
    CLIENT_IGNORE_SPACE |
    CLIENT_INTERACTIVE |
    CLIENT_CAN_HANDLE_EXPIRED_PASSWORDS,
  mariadb: 0,
}

const KEYED = union(RESPONSE_SHAPING, REQUEST_SHAPING, SEMANTIC)

/** What both have. */
export function intersection(a: Capabilities, b: Capabilities): Capabilities {
  return { low: (a.low & b.low) >>> 0, mariadb: (a.mariadb & b.mariadb) >>> 0 }
}

export function union(...all: readonly Capabilities[]): Capabilities {
  let low = 0
  let mariadb = 0
  for (const capabilities of all) {
    low |= capabilities.low
    mariadb |= capabilities.mariadb
  }
  return { low: low >>> 0, mariadb: mariadb >>> 0 }
}

/** What a has and b has not. */
export function difference(a: Capabilities, b: Capabilities): Capabilities {
  return { low: (a.low & ~b.low) >>> 0, mariadb: (a.mariadb & ~b.mariadb) >>> 0 }
}

/** Equal for connections that may serve the same client: of the capabilities that they were logged in with. */
export function capabilityKey(capabilities: Capabilities): string {
  const { low, mariadb } = intersection(capabilities, KEYED)
  return mariadb === 0 ? low.toString(16) : `${low.toString(16)}+${mariadb.toString(16)}`
}
