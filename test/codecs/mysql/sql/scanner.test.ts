/** What a scan tells of statements: each row of the tables fed whole, byte by byte and split at every offset. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_SCAN_MODE,
  leadBytesOf,
  MAX_DIGEST_BYTES,
  MAX_PARTS,
  type ScanMode,
  StatementKind,
  StatementScanner,
} from '../../../../codecs/mysql/index.ts'
import { cut, everyFeed } from '../../../support/feed.ts'
import { ANSI, everything, facts, MARIADB, MYSQL, NO_ESCAPES, scan } from './facts.ts'
import { IN_MODES, STATEMENTS } from './statements.ts'

/** One for all, as a listener has: what a text leaves behind must not show in the next. */
const shared = new StatementScanner()

function check(bytes: Buffer, expected: string, mode: ScanMode): void {
  shared.scan(bytes, 0, bytes.length, mode)
  expect(facts(shared)).toBe(expected)
  const whole = everything(shared)
  for (const { way, pieces } of everyFeed(bytes)) expect(everything(scan(pieces, mode)), way).toEqual(whole)
  const padded = Buffer.concat([Buffer.from("x' "), bytes, Buffer.from(' y" FOR UPDATE')])
  shared.scan(padded, 3, 3 + bytes.length, mode)
  expect(everything(shared), 'within other bytes').toEqual(whole)
}

test.each(STATEMENTS)('%j: %s', (statement, expected) => check(Buffer.from(statement), expected, DEFAULT_SCAN_MODE))

describe.each(IN_MODES)('%j', (mode, rows) => {
  test.each(rows)('%j: %s', (statement, expected) =>
    check(Buffer.from(statement, mode.leadBytes ? 'latin1' : 'utf8'), expected, mode),
  )
})

test.each([
  ['KILL 5', 5],
  ['KILL QUERY 18446744', 18446744],
  ['kill /* x */ connection 5 ;', 5],
  ['KILL 4294967295', 4294967295],
  ['KILL -5', -1],
  ['KILL (5)', -1],
  ['KILL 5 + 1', -1],
  ['KILL 5.0', -1],
  ["KILL '5'", -1],
  ['KILL 0x5', -1],
  ['KILL 5a', -1],
  ['KILL @x', -1],
  ['KILL CONNECTION_ID()', -1],
  ['KILL QUERY ID 5', -1],
  ['KILL USER app', -1],
  ['SELECT 5', -1],
])('the number of %j', (statement, expected) => expect(scan(statement).killId).toBe(expected))

test('where statements end', () => {
  const parts = [" SELECT ';' ;", ' -- ;\n/* ; */ DELETE FROM t;', ';COMMIT']
  const scanner = scan(parts.join(''))
  expect(scanner.statements).toBe(3)
  const ends = parts.map((_, i) => parts.slice(0, i + 1).join('').length)
  expect(Array.from(scanner.ends.subarray(0, 3))).toEqual(ends)
})

test('more statements than are kept', () => {
  const scanner = scan('SELECT 1;'.repeat(MAX_PARTS + 5))
  expect(scanner.statements).toBe(MAX_PARTS + 5)
  expect(scanner.ends[MAX_PARTS - 1]).toBe(MAX_PARTS * 9)
  expect(scanner.readOnly).toBe(true)
  expect(scan(`${'SELECT 1;'.repeat(MAX_PARTS + 5)}COMMIT`).readOnly).toBe(false)
})

test('a quote in a gigabyte, in pieces', () => {
  const piece = Buffer.alloc(1 << 20, 'x')
  const scanner = new StatementScanner()
  scanner.begin(DEFAULT_SCAN_MODE)
  const head = Buffer.from("INSERT INTO t VALUES ('")
  scanner.write(head, 0, head.length)
  for (let i = 0; i < 64; i++) scanner.write(piece, 0, piece.length)
  const tail = Buffer.from("'), (GET_LOCK('a', 1))")
  scanner.write(tail, 0, tail.length)
  scanner.end()
  expect(scanner.length).toBe(head.length + 64 * piece.length + tail.length)
  expect(facts(scanner)).toBe('insert named-lock')
  expect(scanner.digestText()).toBe('insert into t values (...)')
})

const MODES = [DEFAULT_SCAN_MODE, ANSI, NO_ESCAPES, MYSQL, MARIADB, { ...MYSQL, leadBytes: leadBytesOf('sjis') }]
const texts = STATEMENTS.map(([statement]) => statement)
const OPERATIONS = ['cut', 'drop', 'insert', 'swap', 'join'] as const
const PIECES = [
  "'",
  '"',
  '`',
  '\\',
  ';',
  '--',
  '-- ',
  '#',
  '/*',
  '*/',
  '/*!',
  '/*!50000',
  '/*M!',
  '(',
  ')',
  '@',
  '@@',
  ':=',
  '.',
  ',',
  '\0',
  '1e',
  '0x',
  '\xff',
  ' INTO ',
  ' FOR ',
  'VALUES',
  'NULL',
]

/** A statement with a few things done to it, as bytes. */
const mutated = fc
  .tuple(
    fc.constantFrom(...texts),
    fc.array(fc.tuple(fc.constantFrom(...OPERATIONS), fc.nat(), fc.nat(), fc.constantFrom(...PIECES)), {
      maxLength: 4,
    }),
  )
  .map(([text, operations]) => {
    let result = text
    for (const [operation, one, two, piece] of operations) {
      const at = one % (result.length + 1)
      if (operation === 'cut') result = result.slice(0, at)
      else if (operation === 'drop') result = result.slice(0, at) + result.slice(at + 1)
      else if (operation === 'insert') result = result.slice(0, at) + piece + result.slice(at)
      else if (operation === 'swap') result = result.slice(at) + result.slice(0, at)
      else result += texts[two % texts.length]
    }
    return Buffer.from(result, one(result) ? 'latin1' : 'utf8')
  })
const one = (text: string) => text.length % 2 === 1

describe.each([
  ['random bytes', fc.uint8Array({ maxLength: 80 }).map(bytes => Buffer.from(bytes))],
  [
    'bytes that mean something',
    fc.array(fc.constantFrom(...PIECES, 'a', ' ', '1')).map(all => Buffer.from(all.join(''), 'latin1')),
  ],
  ['mutated statements', mutated],
])('%s', (_, inputs) => {
  test('come out alike however they are cut, and within bounds', () => {
    fc.assert(
      fc.property(
        inputs,
        fc.constantFrom(...MODES),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (bytes, mode, sizes) => {
          shared.scan(bytes, 0, bytes.length, mode)
          const whole = everything(shared)
          expect(everything(scan(cut(bytes, ...sizes), mode))).toEqual(whole)
          expect(everything(scan(cut(bytes, 1), mode))).toEqual(whole)
          const { kind, statements, ends, length } = shared
          expect(kind === StatementKind.EMPTY).toBe(statements === 0)
          expect(length).toBe(bytes.length)
          const kept = Math.min(statements, MAX_PARTS)
          for (let i = 0; i < kept; i++) expect(ends[i]).toBeGreaterThan(i === 0 ? 0 : ends[i - 1]!)
          if (kept > 0) expect(ends[kept - 1]).toBeLessThanOrEqual(length)
          expect(Buffer.byteLength(shared.digestText())).toBeLessThanOrEqual(3 * MAX_DIGEST_BYTES)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
