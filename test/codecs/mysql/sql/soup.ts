/**
 * Statements full of quotes, escapes and comments, made at random, and what a real server makes of them: how many
 * statements it saw and whether `@p := 1`, which may be hidden in any of it, was carried out.
 */
import fc from 'fast-check'
import type { Connection } from 'mysql2'
import { type ScanMode, StatementFlag } from '../../../../codecs/mysql/index.ts'
import { scan } from './facts.ts'

/** What may stand within quotes and comments. */
const INNER = [
  'a',
  ' ',
  "'",
  '"',
  '`',
  '\\',
  '\\\\',
  "''",
  '""',
  '``',
  '*',
  '/',
  '*/',
  '/*',
  '--',
  '-- ',
  '#',
  '\n',
  ';',
  '@p:=1',
  ',@p:=1',
]
const inner = fc.array(fc.constantFrom(...INNER), { maxLength: 4 }).map(parts => parts.join(''))
/** Mostly such that the end is the end: a quote within is doubled, another end is left out. */
const within = (begin: string, end: string) =>
  fc.tuple(inner, fc.integer({ min: 0, max: 15 })).map(([text, wild]) => {
    const quote = end[0] as string
    const tame = /['"`]/.test(quote) ? text.replaceAll(quote, quote + quote) : text.replaceAll(end, '')
    return `${begin}${wild === 0 ? text : tame}${end}`
  })

const versions = fc.constantFrom(
  '',
  '40000',
  '50000',
  '50699',
  '50700',
  '80000',
  '90000',
  '99999',
  '100000',
  '101000',
  '130000',
  '1',
  '400',
)
const value = fc.oneof(
  fc.constantFrom(
    '1',
    '.5',
    '1.',
    '1e5',
    '1.5e-3',
    '0x1f',
    'NULL',
    '-1',
    '- 1',
    '1-1',
    '1--1',
    '(1)',
    '@p',
    '@@sql_mode',
    '@p:=1',
    '(@p := 1)',
  ),
  within("'", "'"),
  within('1 AS "', '"'),
  within('concat("', '")'),
  within("N'", "'"),
  within("_utf8mb4'", "'"),
  within('1 AS `', '`'),
  fc.tuple(within("'", "'"), within("'", "'")).map(parts => parts.join(' ')),
)
const comment = fc.oneof(
  within('/*', '*/'),
  within('/* ', ' */'),
  within('/*+', '*/'),
  within('-- ', '\n'),
  within('#', '\n'),
)
const version = fc.tuple(fc.constantFrom('!', 'M!'), versions, fc.constantFrom('', ' ')).map(parts => parts.join(''))
/** Runs or not, and assigns if it does; the comment within it ends where it may or may not. */
const versioned = fc.oneof(
  version.map(head => `/*${head},@p:=1*/`),
  fc.tuple(version, comment).map(([head, nested]) => `/*${head},@p:=1${nested}*/`),
  fc.tuple(version, inner).map(([head, text]) => `/*${head}${text.replaceAll('*/', '')}*/`),
)
const plain = fc.constantFrom('', ' ', '\n', '\t', '/**/')
const before = fc.oneof({ weight: 3, arbitrary: plain }, comment)
const behind = fc.oneof({ weight: 3, arbitrary: plain }, comment, versioned, fc.constantFrom('--', '-', ' -- \n'))
const select = fc
  .tuple(
    before,
    value,
    behind,
    fc.array(
      fc.tuple(before, value, behind).map(parts => parts.join('')),
      { maxLength: 2 },
    ),
  )
  .map(([...parts]) => `SELECT ${parts[0]}${[parts.slice(1, 3).join(''), ...parts[3]].join(',')}`)

/** One to three SELECTs; in some of them a byte is missing. */
export const soup = fc
  .tuple(
    fc.array(select, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', ';', '; ', ' -- x', '/**/'),
    fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.nat()),
  )
  .map(([selects, tail, missing]) => {
    const text = selects.join(';') + tail
    if (missing === null) return text
    const at = missing % text.length
    return text.slice(0, at) + text.slice(at + 1)
  })

export interface Verdict {
  /** Of those who were carried out; the text may end with one that failed. */
  readonly statements: number
  readonly failed: boolean
  readonly assigned: boolean
}

export async function ask(connection: Connection, text: string): Promise<Verdict> {
  let statements = 0
  let failed = false
  await new Promise<void>(resolve => {
    const query = connection.query(text)
    query.on('fields', () => statements++)
    query.on('error', () => {
      failed = true
    })
    query.on('end', resolve)
  })
  const [rows] = await connection.promise().query({ sql: 'SELECT @p', rowsAsArray: true })
  await connection.promise().query("SET @p = 'not assigned'")
  return { statements, failed, assigned: (rows as unknown[][])[0]?.[0] !== 'not assigned' }
}

/** Why a scan cannot be right, given what the server did; undefined when it may be. */
export function objection(text: string, mode: ScanMode, { statements, failed, assigned }: Verdict): string | undefined {
  const scanner = scan(text, mode)
  const writes = (scanner.flags & StatementFlag.USER_VARIABLE_WRITE) !== 0
  if (assigned && !writes) return 'an assignment was not seen'
  if (failed) return scanner.statements < statements ? 'a statement was not seen' : undefined
  // A comment behind the last semicolon is a statement for the server, if an empty one.
  const hasTail = text.slice(scanner.ends[scanner.statements - 1]).trim() !== ''
  if (scanner.statements !== statements && scanner.statements !== statements - Number(hasTail))
    return `${statements} statements, not ${scanner.statements}`
  if (writes && !assigned) return 'there was no assignment'
  return undefined
}
