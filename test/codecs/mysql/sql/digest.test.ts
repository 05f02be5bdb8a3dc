/** The normal form of statements: what it looks like, what makes no difference, and that no literal is ever in it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_SCAN_MODE, MAX_DIGEST_BYTES, type ScanMode } from '../../../../codecs/mysql/index.ts'
import { ANSI, MARIADB, NO_ESCAPES, scan } from './facts.ts'
import { STATEMENTS } from './statements.ts'

const digest = (text: string, mode: ScanMode = DEFAULT_SCAN_MODE) => scan(text, mode).digestText()

test.each([
  ['SELECT * FROM `Users` WHERE id IN (1, 2) -- x', 'select * from `users` where id in (...)'],
  ['select  a.b ,c\tfrom\n`d` . e', 'select a.b, c from `d`.e'],
  ['SELECT COUNT( * ),f ( x,y )FROM t', 'select count(*), f(x, y) from t'],
  ['SELECT a+b, a + b, -1, - 1, a-1, (-1), -a', 'select a + b, a + b, ?, ?, a - ?, (...), -a'],
  ['SELECT a>=1 AND b<>2 OR c!=3 AND NOT d<=>4', 'select a >= ? and b <> ? or c != ? and not d <=> ?'],
  ["SELECT a->'$.x', a->>'$.x'", 'select a -> ?, a ->> ?'],
  ['SELECT a||b&&c', 'select a || b && c'],
  ["SELECT 'a' 'b' \"c\", N'd', _utf8'e'", 'select ?, ?, _utf8 ?'],
  ["SELECT x'4D', 0x4D, b'01', 0b01, 1e5, 1.5e-3, .5, 1., 1_000", 'select ?, ?, ?, ?, ?, ?, ?, ?, ?'],
  ['SELECT NULL, TRUE, x = FALSE, x IS NULL, x IS NOT TRUE', 'select null, ?, x = ?, x is null, x is not true'],
  ['SELECT * FROM t WHERE (a, b) IN ((1, 2), (3, 4))', 'select * from t where (a, b) in ((...))'],
  ['SELECT * FROM t WHERE a IN (1, b, 2)', 'select * from t where a in (?, b, ?)'],
  ['INSERT INTO t (a, b) VALUES (1, 2)', 'insert into t(a, b) values (...)'],
  ['INSERT INTO t (a, b) VALUES (1, 2), (3, 4)', 'insert into t(a, b) values (...)'],
  ['INSERT INTO t VALUES (1, NOW()), (2, NOW()), (3, DEFAULT)', 'insert into t values (?, now())'],
  [
    'INSERT INTO t VALUES (1, NOW()), (2, NOW()) ON DUPLICATE KEY UPDATE a = VALUES(a), b = 2',
    'insert into t values (?, now()) on duplicate key update a = values (a), b = ?',
  ],
  ['REPLACE t VALUES (1, a), (2, b) RETURNING c', 'replace t values (?, a) returning c'],
  ['SELECT ?, ? FROM t WHERE a IN (?, ?)', 'select ?, ? from t where a in (...)'],
  ['SELECT @a, @@session.sql_mode, @`b c`', 'select @a, @@session.sql_mode, @`b c`'],
  ['SELECT @\'secret\', @"secret"', 'select @?, @?'],
  ["CREATE USER 'u'@'h' IDENTIFIED BY 'secret'", 'create user ?@? identified by ?'],
  ["SET PASSWORD FOR u@h = 'secret'", 'set password for u @h = ?'],
  ['SELECT 1; SELECT 2 ;; SELECT 3;', 'select ?; select ?; select ?'],
  ['SELECT /* a */ 1 /*+ b */ # c', 'select ?'],
  ['/*!40101 SET NAMES utf8 */', 'set names utf8'],
  ['SELECT a FROM t LIMIT 5, 10', 'select a from t limit ?, ?'],
  ['SELECT 2fa, t.2fa FROM t', 'select ?, t.? from t'],
  ['SELECT \u00dcber, \u00fc FROM `\u00c4`', 'select \u00dcber, \u00fc from `\u00c4`'],
  ['SELECT `a``b`, `c\n`', 'select `a``b`, `c?`'],
  ['SELECT \0\x01\x7f', 'select ???'],
  ['', ''],
  ['-- x', ''],
])('%j is %j', (text, expected) => expect(digest(text)).toBe(expected))

test('double quotes are literals, whatever the mode says', () => {
  expect(digest('SELECT "a" FROM "t" WHERE "b" = \'x\'', ANSI)).toBe('select ? from ? where ? = ?')
  expect(digest('SELECT "f"(1), "a"."b"', ANSI)).toBe('select ? (...), ?.?')
})

describe('what is alike', () => {
  test.each([
    ['SELECT 1', 'select\t- 2.5 /* x */ ;'],
    ["SELECT * FROM t WHERE a = 'x'", 'SELECT*FROM t WHERE a="y" -- z'],
    ['SELECT * FROM t WHERE a IN (1)', "SELECT * FROM t WHERE a IN (2, 'x', NULL, -3)"],
    ['INSERT INTO t VALUES (1, NOW())', 'INSERT INTO t VALUES (2, NOW()), (3, NOW()), (4, NOW())'],
    ['INSERT INTO t VALUES (1, 2)', "INSERT INTO t VALUES (NULL, X'4d'), (TRUE, -.5)"],
    ["SELECT 'a''b'", "SELECT 'a' 'b'"],
    ['SELECT a=-1', 'SELECT a = 1'],
  ])('%j and %j', (one, other) => {
    expect(digest(one)).toBe(digest(other))
    expect(scan(one).digestHex()).toBe(scan(other).digestHex())
    expect(scan(one).digestKey()).toBe(scan(other).digestKey())
  })
})

test('what differs differs', () => {
  const texts = new Set(STATEMENTS.map(([statement]) => digest(statement)))
  expect(new Set(STATEMENTS.map(([statement]) => scan(statement).digestHex())).size).toBe(texts.size)
  expect(new Set(STATEMENTS.map(([statement]) => scan(statement).digestKey())).size).toBe(texts.size)
  const many = Array.from({ length: 100_000 }, (_, i) => scan(`SELECT c${i}`))
  expect(new Set(many.map(each => each.digestKey())).size).toBe(many.length)
  for (const each of many.slice(0, 100)) expect(each.digestKey()).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
})

describe('a bound', () => {
  const long = Array.from({ length: 500 }, (_, i) => `column_${i}`).join(', ')

  test('the text ends', () => {
    const text = digest(`SELECT ${long}`)
    expect(text).toHaveLength(MAX_DIGEST_BYTES)
    expect(`select ${long}`.startsWith(text)).toBe(true)
  })

  test('between characters', () => {
    for (let pad = 0; pad < 4; pad++) {
      const text = digest(`SELECT ${'x'.repeat(pad)}${'\u20ac'.repeat(2000)}`)
      expect(text).toMatch(/^select x*\u20ac+$/)
      expect(Buffer.byteLength(text)).toBeGreaterThan(MAX_DIGEST_BYTES - 3)
    }
  })

  test('what is folded behind it does not count', () => {
    const list = Array.from({ length: 10_000 }, (_, i) => i).join(', ')
    expect(digest(`SELECT * FROM t WHERE a IN (${list}) AND b = 1`)).toBe('select * from t where a in (...) and b = ?')
    const rows = Array.from({ length: 1_000 }, (_, i) => `(${i}, NOW())`).join(', ')
    expect(digest(`INSERT INTO t VALUES ${rows} AS n ON DUPLICATE KEY UPDATE a = 1`)).toBe(
      'insert into t values (?, now()) as n on duplicate key update a = ?',
    )
  })

  test('one name of a megabyte', () => {
    expect(digest(`SELECT ${'a'.repeat(1 << 20)}`)).toHaveLength(MAX_DIGEST_BYTES)
    expect(digest(`SELECT \`${'a'.repeat(1 << 20)}\``)).toHaveLength(MAX_DIGEST_BYTES)
    expect(digest('SELECT 1')).toBe('select ?')
  })
})

/** Ways to write down a secret without quotes of its own in it. */
const QUOTINGS: readonly ((secret: string) => string)[] = [
  secret => `'${secret}'`,
  secret => `"${secret}"`,
  secret => `N'${secret}'`,
  secret => `_utf8mb4'${secret}'`,
  secret => `_binary "${secret}"`,
  secret => `'it''s ${secret}'`,
  secret => `'it\\'s ${secret}'`,
  secret => `"a ""${secret}"" b"`,
  secret => `'a' '${secret}'`,
  secret => `'-- ${secret}'`,
  secret => `'/* ${secret}'`,
  secret => `'\`${secret}'`,
  secret => `'\\\\' '${secret}'`,
  secret => `'\n${secret}\0'`,
  secret => `X'${Buffer.from(secret).toString('hex')}'`,
  secret => `0x${Buffer.from(secret).toString('hex')}`,
  secret => `DATE'${secret}'`,
]
/** Statements with places for literals. */
const PLACES = [
  'SELECT ¤',
  'SELECT ¤, ¤ FROM t WHERE a = ¤ AND b LIKE ¤ ESCAPE ¤',
  'SELECT * FROM t WHERE a IN (¤, ¤, b, ¤) ORDER BY f(¤)',
  'INSERT INTO t VALUES (¤, ¤), (¤, NOW()), (¤, f(¤)) ON DUPLICATE KEY UPDATE a = ¤',
  'UPDATE t SET a=¤,b=CONCAT(¤,a) WHERE c=¤',
  'CREATE USER u IDENTIFIED BY ¤',
  'SET PASSWORD = ¤',
  'SET @a = ¤, @b := CONCAT(@a, ¤)',
  'CALL p(¤)',
  'PREPARE s FROM ¤',
  'LOAD DATA LOCAL INFILE ¤ INTO TABLE t FIELDS TERMINATED BY ¤',
  'SELECT a AS ¤ FROM t',
  'SELECT ¤; SELECT ¤',
  'SELECT /*!40000 ¤ */',
  'SELECT @¤',
]
const secrets = fc.stringMatching(/^[a-z]{12}$/).map(text => `zq${text}`)
const fill = (place: string, choices: readonly number[], secret: string) => {
  let i = 0
  return place.replaceAll('¤', () => QUOTINGS[choices[i++ % choices.length]! % QUOTINGS.length]!(secret))
}
const statements = fc
  .record({
    place: fc.constantFrom(...PLACES),
    choices: fc.array(fc.nat(QUOTINGS.length - 1), { minLength: 1, maxLength: 8 }),
    secret: secrets,
  })
  .map(({ place, choices, secret }) => ({ text: fill(place, choices, secret), secret }))

/** The part of the secret that must not show, as text or in hexadecimal. */
const shows = (text: string, secret: string) =>
  text.includes(secret.slice(0, 6)) || text.includes(Buffer.from(secret).toString('hex').slice(0, 12))

describe('no literal is in it', () => {
  test('and in the tests it would be found', () => {
    expect(shows(digest('SELECT zqabcdefghijkl'), 'zqabcdefghijkl')).toBe(true)
  })

  test('of statements that are right', () => {
    fc.assert(
      fc.property(statements, fc.constantFrom(DEFAULT_SCAN_MODE, ANSI, MARIADB), ({ text, secret }, mode) => {
        expect(shows(digest(text, mode), secret)).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })

  test('of statements that are cut off', () => {
    fc.assert(
      fc.property(statements, fc.nat(), ({ text, secret }, at) => {
        expect(shows(digest(text.slice(0, at % (text.length + 1))), secret)).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })

  test('of statements with numbers', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PLACES),
        fc.nat(),
        fc.constantFrom('', '-', '+', '.', '1.', '1e'),
        (place, number, sign) => {
          const literal = `${sign}7${number}8`
          expect(digest(place.replaceAll('¤', literal))).not.toMatch(/\d/)
        },
      ),
    )
  })

  test.each([
    ["SELECT 'it's secret'", 'select ?'],
    ["UPDATE t SET a = 'it's secret' WHERE b = 'it's secret'", 'update ?'],
    ["SELECT 'O'Secret'", 'select ?'],
    ["INSERT INTO t VALUES (1, 'the 'secret' word')", 'insert ?'],
    ["SELECT my secret' FROM t", 'select ?'],
    ["START TRANSACTION secret'", 'start-transaction ?'],
    ["secret'", 'other ?'],
    ["SELECT 1'secret'", 'select ?'],
    ["SELECT '5'5 secret'", 'select ?'],
    ["SELECT 'secret", 'select ?'],
    ['SELECT "secret', 'select ?'],
    ['SELECT `secret', 'select ?'],
    ["SELECT 'a' `secret", 'select ?'],
    ['SELECT secret /*', 'select ?'],
  ])('when quotes are misplaced: %j', (text, expected) => expect(digest(text)).toBe(expected))

  test('in a mode without backslash escapes', () => {
    expect(digest("SELECT '\\', 'secret'", NO_ESCAPES)).toBe('select ?, ?')
  })
})

test('blanks and comments between tokens make no difference', () => {
  const tokens = ['SELECT', 'a', '.', 'b', ',', 'f', '(', '1', ',', 'x', ')', 'FROM', 't', 'WHERE', 'c', '>=', "'x'"]
  const blanks = fc.constantFrom(' ', '\n', '\t ', '/**/', " /* it's */ ", " -- it's\n", '#"\n')
  fc.assert(
    fc.property(fc.array(blanks, { minLength: tokens.length, maxLength: tokens.length }), gaps => {
      const text = tokens.map((token, i) => token + gaps[i]).join('')
      expect(digest(text)).toBe('select a.b, f(?, x) from t where c >= ?')
    }),
  )
})
