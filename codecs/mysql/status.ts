/**
 * Server status flags, in OK and EOF packets.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html#a1d854e841086925be1883e4d7b4e8cad
 */
export const SERVER_STATUS_IN_TRANS = 0x1
export const SERVER_STATUS_AUTOCOMMIT = 0x2
/** Another result follows in the same response. */
export const SERVER_MORE_RESULTS_EXISTS = 0x8
export const SERVER_QUERY_NO_GOOD_INDEX_USED = 0x10
export const SERVER_QUERY_NO_INDEX_USED = 0x20
/** The rows stay with the server: COM_STMT_FETCH asks for them. */
export const SERVER_STATUS_CURSOR_EXISTS = 0x40
export const SERVER_STATUS_LAST_ROW_SENT = 0x80
export const SERVER_STATUS_DB_DROPPED = 0x100
/** How quotes are escaped: a client that is not told of it may be open to injection. */
export const SERVER_STATUS_NO_BACKSLASH_ESCAPES = 0x200
export const SERVER_STATUS_METADATA_CHANGED = 0x400
export const SERVER_QUERY_WAS_SLOW = 0x800
/** The one row holds the OUT parameters of a CALL. */
export const SERVER_PS_OUT_PARAMS = 0x1000
export const SERVER_STATUS_IN_TRANS_READONLY = 0x2000
/** Session trackers are at the end of the OK packet. */
export const SERVER_SESSION_STATE_CHANGED = 0x4000
/** MariaDB: ANSI_QUOTES is in force. */
export const SERVER_STATUS_ANSI_QUOTES = 0x8000
