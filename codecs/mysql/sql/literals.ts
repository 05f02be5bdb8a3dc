/** Text for statements of our own: right under every sql_mode. */

/** A string literal: quotes are doubled; in hexadecimal if there is a backslash, which each mode takes otherwise. */
export function quoteString(text: string): string {
  if (text.includes('\\')) return `_utf8mb4 0x${Buffer.from(text).toString('hex')}`
  return `'${text.replaceAll("'", "''")}'`
}

/** A name in backticks. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``
