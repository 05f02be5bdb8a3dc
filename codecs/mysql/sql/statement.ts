/** What a scan tells of a statement: its kind, the flags that matter to who shares connections, and the forms of SET. */

/** What a statement is, told by its first words. */
export const StatementKind = {
  /** Nothing but blanks and comments. */
  EMPTY: 0,
  /** Not in the table. */
  OTHER: 1,
  SELECT: 2,
  /** A WITH whose main statement did not come. */
  WITH: 3,
  TABLE: 4,
  VALUES: 5,
  INSERT: 6,
  REPLACE: 7,
  UPDATE: 8,
  DELETE: 9,
  LOAD_DATA: 10,
  CALL: 11,
  DO: 12,
  /** EXPLAIN, DESCRIBE, MariaDB's ANALYZE of a statement. */
  EXPLAIN: 13,
  /** About this server or this session. */
  SHOW: 14,
  /** A SHOW that any replica answers alike. */
  SHOW_SCHEMA: 15,
  /** SHOW WARNINGS, SHOW ERRORS. */
  SHOW_WARNINGS: 16,
  GET_DIAGNOSTICS: 17,
  SET: 18,
  USE: 19,
  BEGIN: 20,
  START_TRANSACTION: 21,
  COMMIT: 22,
  ROLLBACK: 23,
  ROLLBACK_TO_SAVEPOINT: 24,
  SAVEPOINT: 25,
  RELEASE_SAVEPOINT: 26,
  XA: 27,
  PREPARE: 28,
  EXECUTE: 29,
  DEALLOCATE: 30,
  LOCK_TABLES: 31,
  UNLOCK_TABLES: 32,
  LOCK_INSTANCE: 33,
  UNLOCK_INSTANCE: 34,
  FLUSH: 35,
  HANDLER_OPEN: 36,
  HANDLER_READ: 37,
  HANDLER_CLOSE: 38,
  KILL: 39,
  KILL_QUERY: 40,
  /** CREATE, ALTER, DROP, RENAME, TRUNCATE of what lasts. */
  DDL: 41,
  CREATE_TEMPORARY: 42,
  DROP_TEMPORARY: 43,
  /** Creates or alters a stored program; what follows a semicolon may belong to it. */
  ROUTINE: 44,
  /** About users, roles and rights. */
  ACCOUNT: 45,
  /** MariaDB's BEGIN NOT ATOMIC and the like, within which anything may run. */
  COMPOUND: 46,
  /** Administers the server or maintains tables. */
  ADMIN: 47,
} as const

/** The words for kinds, such as `start-transaction`, in the order of their numbers; fit for metric labels. */
export const statementKindNames: readonly string[] = Object.keys(StatementKind).map(name =>
  name.toLowerCase().replaceAll('_', '-'),
)

/** What else is known of a statement, or of several in one text; bits of `StatementScanner.flags`. */
export const StatementFlag = {
  /** Several statements behind one another. */
  MULTI: 1 << 0,
  /** Mentions `@x` other than as the target of a SET. */
  USER_VARIABLE_READ: 1 << 1,
  /** `@x := `, `INTO @x`, `SET @x`, or `@x` where the server may write it: CALL, LOAD DATA, GET DIAGNOSTICS. */
  USER_VARIABLE_WRITE: 1 << 2,
  /** `@@x` outside of the target of a SET. */
  SYSTEM_VARIABLE_READ: 1 << 3,
  /** GET_LOCK(). */
  NAMED_LOCK: 1 << 4,
  /** RELEASE_LOCK(). */
  NAMED_UNLOCK: 1 << 5,
  /** RELEASE_ALL_LOCKS(). */
  NAMED_UNLOCK_ALL: 1 << 6,
  /** SQL_CALC_FOUND_ROWS. */
  CALC_FOUND_ROWS: 1 << 7,
  /** FOUND_ROWS(). */
  FOUND_ROWS: 1 << 8,
  /** ROW_COUNT(). */
  ROW_COUNT: 1 << 9,
  /** LAST_INSERT_ID(), @@last_insert_id, @@identity. */
  LAST_INSERT_ID_READ: 1 << 10,
  /** LAST_INSERT_ID(value), SET last_insert_id. */
  LAST_INSERT_ID_WRITE: 1 << 11,
  /** CONNECTION_ID(), @@pseudo_thread_id, EXPLAIN FOR CONNECTION and others with a connection's number. */
  CONNECTION_ID: 1 << 12,
  /** Reads what the statement before left: SHOW WARNINGS, SHOW ERRORS, GET DIAGNOSTICS, @@warning_count, @@error_count. */
  WARNINGS_READ: 1 << 13,
  /** FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE. */
  LOCKING_READ: 1 << 14,
  /** INTO OUTFILE, INTO DUMPFILE. */
  INTO_FILE: 1 << 15,
  /** CREATE TEMPORARY, DROP TEMPORARY. */
  TEMPORARY_TABLE: 1 << 16,
  /** PREPARE, EXECUTE, DEALLOCATE as text; what an EXECUTE does is not known. */
  TEXT_PREPARE: 1 << 17,
  /** LOCK TABLES, FLUSH TABLES WITH READ LOCK or FOR EXPORT, LOCK INSTANCE, BACKUP STAGE. */
  TABLE_LOCK: 1 << 18,
  /** HANDLER OPEN, READ, CLOSE. */
  HANDLER: 1 << 19,
  /** SLEEP(), BENCHMARK() and waiting for replication. */
  SLEEP: 1 << 20,
  /** Functions and expressions whose result or effect belongs to one server: sequences, UUID_SHORT, LOAD_FILE, sys. */
  SERVER_LOCAL: 1 << 21,
  /** In a reading statement a function that is not known as built in: a stored one may do anything. */
  UNKNOWN_FUNCTION: 1 << 22,
  /** LOAD DATA LOCAL, LOAD XML LOCAL. */
  LOCAL_INFILE: 1 << 23,
  /** Sets autocommit. */
  AUTOCOMMIT: 1 << 24,
  /** Mentions a session_track_* variable. */
  SESSION_TRACK: 1 << 25,
  /** Holds a password or its hash: IDENTIFIED, SET PASSWORD, PASSWORD(). */
  PASSWORD: 1 << 26,
  /** START TRANSACTION READ ONLY. */
  READ_ONLY_TRANSACTION: 1 << 27,
  /** COMMIT RELEASE, ROLLBACK RELEASE, SHUTDOWN, RESTART: the server closes the connection. */
  DISCONNECTS: 1 << 28,
  /** A versioned comment whose reading depends on the server's version. */
  VERSIONED_COMMENT: 1 << 29,
  /** A quote or comment does not end: a syntax error; or a word or number touches a quote, as if one were misplaced. */
  BROKEN: 1 << 30,
} as const

/** What a SET sets; bits of `StatementScanner.sets`, 0 for other statements. */
export const SetForm = {
  /** A system variable of the session, also by `@@x`; in doubt too, as behind the first of several GLOBAL ones. */
  SESSION: 1 << 0,
  /** `@x`. */
  USER: 1 << 1,
  GLOBAL: 1 << 2,
  /** PERSIST, PERSIST_ONLY. */
  PERSIST: 1 << 3,
  /** NAMES, CHARACTER SET, CHARSET. */
  NAMES: 1 << 4,
  /** Of the next transaction only: SET TRANSACTION, SET @@transaction_isolation. */
  TRANSACTION_ONCE: 1 << 5,
  /** SET SESSION TRANSACTION. */
  TRANSACTION_SESSION: 1 << 6,
  ROLE: 1 << 7,
  /** SET DEFAULT ROLE: of an account, not of the session. */
  DEFAULT_ROLE: 1 << 8,
  PASSWORD: 1 << 9,
  RESOURCE_GROUP: 1 << 10,
  /** MariaDB's SET STATEMENT ... FOR: `kind` tells the statement behind it. */
  STATEMENT: 1 << 11,
  /** `@@x`, with SESSION: MariaDB does not report what that changes. */
  UNSCOPED: 1 << 12,
} as const
