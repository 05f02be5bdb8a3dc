/** How the server reads the text of a statement, which it tells at login and behind each command. */

import type { LeadBytes } from './bytes.ts'

/** What decides how the server reads a statement. */
export interface ScanMode {
  /** ANSI_QUOTES is in sql_mode. */
  readonly ansiQuotes: boolean
  /** SERVER_STATUS_NO_BACKSLASH_ESCAPES is set. */
  readonly noBackslashEscapes: boolean
  readonly isMariaDb: boolean
  /** As in versioned comments, such as 90704 or 101119; 0 when not known: then all of them count as executed. */
  readonly serverVersion: number
  /** Of `character_set_client`, by `leadBytesOf`. */
  readonly leadBytes?: LeadBytes | undefined
}

export const DEFAULT_SCAN_MODE: ScanMode = {
  ansiQuotes: false,
  noBackslashEscapes: false,
  isMariaDb: false,
  serverVersion: 0,
}
