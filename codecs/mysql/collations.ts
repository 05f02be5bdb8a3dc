/**
 * Collations by their numbers in greeting and login, as far as they have to be told apart: those of character sets whose
 * characters of two bytes may end like a backslash or a backtick, and those that only MySQL has.
 */

const UTF8MB4_GENERAL_CI = 45
/** utf8mb4_0900_ai_ci, the default of MySQL 8 and later; its kin does not fit into a login's byte. */
const UTF8MB4_0900_AI_CI = 255

/** MariaDB's collations without padding have these added. */
const NO_PAD = 1024

const CHARSETS: ReadonlyMap<number, string> = new Map([
  [1, 'big5'],
  [84, 'big5'],
  [13, 'sjis'],
  [88, 'sjis'],
  [28, 'gbk'],
  [87, 'gbk'],
  [95, 'cp932'],
  [96, 'cp932'],
  [248, 'gb18030'],
  [249, 'gb18030'],
  [250, 'gb18030'],
])

/** The character set of a collation; empty for all that need not be told apart. */
export function charsetOfCollation(collation: number): string {
  return CHARSETS.get(collation & ~NO_PAD) ?? ''
}

/**
 * The collation to log in with. MariaDB (10.11) takes one that it does not know for the server's default, and with it another
 * character set: what the client sends and gets as UTF-8 would be taken for latin1.
 */
export function collationAt(serverVersion: string, collation: number): number {
  return collation === UTF8MB4_0900_AI_CI && serverVersion.includes('MariaDB') ? UTF8MB4_GENERAL_CI : collation
}
