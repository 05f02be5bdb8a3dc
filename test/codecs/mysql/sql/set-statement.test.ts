/** What SETs assign to user variables. */
import { expect, test } from 'vitest'
import { MAX_ASSIGNMENTS, userVariableAssignments } from '../../../../codecs/mysql/index.ts'
import { scan } from './facts.ts'

/** The values by name, null for those that are no literal; null when nothing is known. */
function assigned(statement: string): Readonly<Record<string, string | null>> | null {
  const bytes = Buffer.from(`COM${statement}`)
  const assignments = userVariableAssignments(scan([bytes.subarray(3)]), bytes, 3)
  if (assignments === null) return null
  return Object.fromEntries(
    assignments.map(({ name, literal }) => [name, literal === null ? null : Buffer.from(literal).toString()]),
  )
}

test.each<[string, ReturnType<typeof assigned>]>([
  ['SET @a = 1', { a: '1' }],
  ['SET @a=1', { a: '1' }],
  ['set@A:=-1.5e3 ;', { a: '-1.5e3' }],
  ["SET @a := 'x, y', @b = \"it's\"", { a: "'x, y'", b: '"it\'s"' }],
  ["SET @a = 'it''s' 'more'", { a: "'it''s' 'more'" }],
  [
    "SET @a = N'x', @b = x'4D', @c = 0x4D, @d = b'01', @e = .5",
    {
      a: "N'x'",
      b: "x'4D'",
      c: '0x4D',
      d: "b'01'",
      e: '.5',
    },
  ],
  ['SET @a = NULL, @b = TRUE, @c = false', { a: 'NULL', b: 'TRUE', c: 'false' }],
  ["SET @ApplicationName = 'DBeaver 24.1 - Main'", { applicationname: "'DBeaver 24.1 - Main'" }],
  ['SET @`a b` = 1, @\'c\' = 2, @"D" = 3, @a.b$c = 4', { 'a b': '1', c: '2', d: '3', 'a.b$c': '4' }],
  ['SET @a = 1, autocommit = 0, @b = 2', { a: '1', b: '2' }],
  ['SET @a = 1 -- done', { a: '1' }],
  ['SET @a = 1 /* done */, @b = 2', { a: '1', b: '2' }],
  ["SET @a = '\u00e4', @\u00fc = 2", { a: "'\u00e4'", '\u00fc': '2' }],
  ['SET autocommit = 0', {}],
  // No literal: it would have to be computed anew.
  ['SET @a = 1 + 1', { a: null }],
  ['SET @a = NOW(), @b = 2', { a: null, b: '2' }],
  ['SET @a = (1)', { a: null }],
  ['SET @a = (SELECT 1, 2)', { a: null }],
  ["SET @a = 'x' COLLATE utf8mb4_bin", { a: null }],
  ["SET @a = _latin1'x'", { a: null }],
  ['SET @a = @@sql_mode', { a: null }],
  ['SET @a = b', { a: null }],
  ['SET @a = ?', { a: null }],
  ['SET @a = /* x */ 1', { a: null }],
  ['SET @a = /*!50000 1 */', { a: null }],
  ['SET @a', { a: null }],
  ['SET @a =', { a: null }],
  // Not known.
  ['SET @a = @b := 1', null],
  ['SET @a = 1, autocommit = (@b := 1)', null],
  ['SET @a = 1; SELECT 2 INTO @b', null],
  ['SELECT 2 INTO @b', null],
  ['SET @`a``b` = 1', null],
  ["SET @'a\\b' = 1", null],
  ['SET @a /* x */ = 1', null],
  ['SET @ = 1', null],
])('%s', (statement, expected) => expect(assigned(statement)).toEqual(expected))

test('as many as are kept, and one more', () => {
  const items = Array.from({ length: MAX_ASSIGNMENTS }, (_, i) => `@v${i} = ${i}`)
  const all = assigned(`SET ${items.join(', ')}`)
  expect(all).toEqual(Object.fromEntries(items.map((_, i) => [`v${i}`, String(i)])))
  expect(assigned(`SET ${items.join(', ')}, @more = 1`)).toBeNull()
})
