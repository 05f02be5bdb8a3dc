/**
 * Statements with values in their places: sql`SELECT 1 FROM ${table('d', 't')} WHERE a = ${text}`. Text goes in hexadecimal,
 * which means the same under every SQL mode and character set and cannot end a literal. Line breaks become blanks.
 */

/** A piece of a statement, with its values in it. */
export class Sql {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** `null` is NULL, text its bytes in UTF-8. */
export type SqlValue = string | Buffer | number | bigint | null | Sql

export function sql(words: TemplateStringsArray, ...values: readonly SqlValue[]): Sql {
  const [first, ...rest] = words.map(word => word.replace(/\s+/g, ' ')) as [string, ...string[]]
  return new Sql(rest.reduce((text, word, i) => text + literal(values[i]!) + word, first))
}

/** A name of the configuration's, which is of letters, digits and underscores. */
export function name(written: string): Sql {
  return new Sql(`\`${written}\``)
}

export function table(database: string, written: string): Sql {
  return sql`${name(database)}.${name(written)}`
}

/** Values in a row: `x'61', x'62'`. */
export function list(values: readonly SqlValue[]): Sql {
  return new Sql(values.map(literal).join(', '))
}

/** Conditions that all hold. */
export function all(conditions: readonly Sql[]): Sql {
  return new Sql(conditions.map(({ text }) => `(${text})`).join(' AND '))
}

function literal(value: SqlValue): string {
  if (value instanceof Sql) return value.text
  if (value === null) return 'NULL'
  if (typeof value === 'string') return literal(Buffer.from(value))
  if (value instanceof Buffer) return `x'${value.toString('hex')}'`
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new TypeError(`${value} is no whole number`)
  return value.toString()
}
