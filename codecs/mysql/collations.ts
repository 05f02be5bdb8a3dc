/**
 * Collations by their numbers in greeting and login, as far as the scan of statements has to know: those of character
 * sets whose characters of two bytes may end like a backslash or a backtick.
 */

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
