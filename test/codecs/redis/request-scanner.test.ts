/** Where requests end: each row fed whole, byte by byte, split at every offset and with the start of another behind it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  encodeCommand,
  REQUEST_LIMITS,
  type RequestLimits,
  RequestScanner,
  Scan,
  UNAUTHENTICATED_LIMITS,
} from '../../../codecs/redis/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'
import { scanRequests } from '../../support/redis-feed.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe.each<[string, string[][]]>([
  ['*1\r\n$4\r\nPING\r\n', [['PING']]],
  ['*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', [['GET', 'k']]],
  ['*2\r\n$4\r\nECHO\r\n$0\r\n\r\n', [['ECHO', '']]],
  ['*1\r\n$0\r\n\r\n', [['']]],
  ['*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n', [['ECHO', '\r\n\r\n']]],
  ['*2\r\n$4\r\nECHO\r\n$9\r\n*1\r\n$1\r\na\r\n', [['ECHO', '*1\r\n$1\r\na']]],
  ['*2\r\n$4\r\nECHO\r\n$3\r\n\0\xff\n\r\n', [['ECHO', '\0\xff\n']]],
  ['*1\r\n$12\r\nabcdefghijkl\r\n', [['abcdefghijkl']]],
  [`*11\r\n${'$1\r\na\r\n'.repeat(11)}`, [Array(11).fill('a')]],
  ['*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n', [['PING'], ['PING']]],
  // Nothing to execute.
  ['*0\r\n', []],
  ['*-1\r\n', []],
  ['*-5\r\n', []],
  ['*-9223372036854775808\r\n', []],
  ['\r\n', []],
  ['\n', []],
  [' \t\r\n', []],
  ['*0\r\n\r\n*-1\r\n*1\r\n$1\r\na\r\n\r\n', [['a']]],
  // Inline.
  ['PING\r\n', [['PING']]],
  ['PING\n', [['PING']]],
  ['  SET k  "two words"\r\n', [['SET', 'k', 'two words']]],
  ['$4\r\n', [['$4']]],
  ['+OK\r\n-ERR\r\n', [['+OK'], ['-ERR']]],
  ['ECHO *1\r\n', [['ECHO', '*1']]],
  ['\xff\xfe\r\n', [['\xff\xfe']]],
  ['PING\r\n*1\r\n$4\r\nPING\r\nPING\n\r\n', [['PING'], ['PING'], ['PING']]],
])('%j', (text, frames) => {
  const bytes = latin1(text)

  test.each(['*2\r\n$3\r\nGE', '*1', '*', 'PIN', '*2\r\n$1\r\na\r\n$1\r\na\r'])(
    'is found however it comes, with %j behind it',
    more => {
      const trailing = latin1(more)
      for (const { way, pieces } of everyFeed(bytes, trailing)) {
        const rest = way.includes('trailing') ? trailing.length : 0
        expect(scanRequests(pieces), way).toEqual({ frames, rest })
      }
    },
  )

  test('its parts ask for more', () => {
    for (let end = 0; end < bytes.length; end++) {
      expect(scanRequests([bytes.subarray(0, end)])).not.toHaveProperty('error')
    }
  })
})

describe.each<[string, RequestLimits, [bytes: string, text: string, before?: string[][]][]]>([
  [
    'after authentication',
    REQUEST_LIMITS,
    [
      ['*a\r\n', 'invalid multibulk length'],
      ['*\r\n', 'invalid multibulk length'],
      ['*+1\r\n', 'invalid multibulk length'],
      ['* 1\r\n', 'invalid multibulk length'],
      ['*1 \r\n', 'invalid multibulk length'],
      ['*01\r\n', 'invalid multibulk length'],
      ['*-0\r\n', 'invalid multibulk length'],
      ['*-\r\n', 'invalid multibulk length'],
      ['*--1\r\n', 'invalid multibulk length'],
      ['*-01\r\n', 'invalid multibulk length'],
      ['*1x\r\n', 'invalid multibulk length'],
      ['*2147483648\r\n', 'invalid multibulk length'],
      ['*18446744073709551617\r\n', 'invalid multibulk length'],
      ['*-9223372036854775809\r\n', 'invalid multibulk length'],
      ['*999999999999999999999999999999\r\n', 'invalid multibulk length'],
      ['*1\r\n$\r\n', 'invalid bulk length'],
      ['*1\r\n$x\r\n', 'invalid bulk length'],
      ['*1\r\n$-1\r\n', 'invalid bulk length'],
      ['*1\r\n$+4\r\nPING\r\n', 'invalid bulk length'],
      ['*1\r\n$04\r\nPING\r\n', 'invalid bulk length'],
      ['*1\r\n$4294967296\r\n', 'invalid bulk length'],
      ['*1\r\n$536870913\r\n', 'invalid bulk length'],
      ['*1\r\n$99999999999999999999\r\n', 'invalid bulk length'],
      ['*1\r\n+PING\r\n', "expected '$', got '+'"],
      ['*1\r\n*1\r\n$1\r\na\r\n', "expected '$', got '*'"],
      ['*1\r\n\r\n', "expected '$', got ' '"],
      ['*1\r\n\n', "expected '$', got ' '"],
      ['*1\r\n\xe9\r\n', "expected '$', got '\xe9'"],
      ['*2\r\n$1\r\na\r\n:1\r\n', "expected '$', got ':'"],
      // Redis takes any two bytes for the CRLF behind a bulk: whoever looked for the next request elsewhere than the
      // backend does would be answered with what belongs to others.
      ['*1\r\n$4\r\nPINGxx', 'bulk string not ended by CRLF'],
      ['*1\r\n$4\r\nPING\r\r', 'bulk string not ended by CRLF'],
      ['*1\r\n$4\r\nPING\n\r', 'bulk string not ended by CRLF'],
      // Nor does it look at the byte behind the CR of a length.
      ['*1\rx$4\r\nPING\r\n', 'invalid multibulk length'],
      ['*1\r\n$4\rxPING\r\n', 'invalid bulk length'],
      ['*-1\rx', 'invalid multibulk length'],
      ['*1\n$4\nPING\n\r\n', 'invalid multibulk length'],
      // What came before is served.
      ['*1\r\n$1\r\na\r\nPING\r\n*x\r\n', 'invalid multibulk length', [['a'], ['PING']]],
      ['*0\r\n*1\r\n$1\r\na\r\n*1\r\n$x\r\n*1\r\n$1\r\na\r\n', 'invalid bulk length', [['a']]],
    ],
  ],
  [
    'before authentication',
    UNAUTHENTICATED_LIMITS,
    [
      ['*11\r\n', 'unauthenticated multibulk length'],
      ['*2147483647\r\n', 'unauthenticated multibulk length'],
      ['*2147483648\r\n', 'invalid multibulk length'],
      ['*011\r\n', 'invalid multibulk length'],
      ['*1\r\n$16385\r\n', 'unauthenticated bulk length'],
      ['*1\r\n$536870912\r\n', 'unauthenticated bulk length'],
      ['*1\r\n$536870913\r\n', 'invalid bulk length'],
      ['*1\r\n$016385\r\n', 'invalid bulk length'],
      ['*2\r\n$1\r\na\r\n$16385\r\n', 'unauthenticated bulk length'],
      ['*1\r\n$1\r\na\r\n*11\r\n', 'unauthenticated multibulk length', [['a']]],
    ],
  ],
])('refused %s', (_name, limits, rows) => {
  test.each(rows)('%j: %s', (text, message, before = []) => {
    for (const { way, pieces } of everyFeed(latin1(text), latin1('*1\r\n'))) {
      expect(scanRequests(pieces, limits), way).toEqual({
        frames: before,
        error: `Protocol error: ${message}`,
        rest: 0,
      })
    }
  })
})

test('before authentication ten arguments and 16 KiB still pass, and inline lines are as long as they may be', () => {
  const args = ['a'.repeat(16_384), ...Array(9).fill('b')]
  expect(scanRequests([encodeCommand(args)], UNAUTHENTICATED_LIMITS)).toEqual({ frames: [args], rest: 0 })
  const line = `a ${'b'.repeat(65_000)}`
  expect(scanRequests([latin1(`${line}\r\n`)], UNAUTHENTICATED_LIMITS).frames).toEqual([line.split(' ')])
})

test('the greatest lengths are waited for, and nothing is allocated for them', () => {
  const scanner = new RequestScanner()
  const bytes = latin1('*2147483647\r\n$536870912\r\n')
  const before = process.memoryUsage().arrayBuffers
  expect(scanner.scan(bytes, 0, bytes.length, REQUEST_LIMITS)).toBe(Scan.MORE)
  expect(scanner).toMatchObject({ at: 13, left: 2147483647, missing: 536870914 })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
})

test('a line that does not end is refused above its limit', () => {
  const scan = (length: number, pieces = 1) =>
    scanRequests(cut(Buffer.alloc(length, 97), Math.ceil(length / pieces)), REQUEST_LIMITS)
  expect(scan(65_536)).toEqual({ frames: [], rest: 65_536 })
  expect(scan(70_000).error).toBe('Protocol error: too big inline request')
  expect(scan(70_000, 50).error).toBe('Protocol error: too big inline request')
})

test('a length that does not end is refused sooner than Redis does, which waits for 64 KiB of it', () => {
  const count = '1'.repeat(40)
  expect(scanRequests([latin1(`*${count}`)]).error).toBe('Protocol error: invalid multibulk length')
  expect(scanRequests([latin1(`*1\r\n$${count}`)]).error).toBe('Protocol error: invalid bulk length')
  expect(scanRequests(cut(latin1(`*${'-'.repeat(40)}`), 1)).error).toBe('Protocol error: invalid multibulk length')
})

test('a request that comes in pieces is judged by the limits of its own session', () => {
  const scanner = new RequestScanner()
  const mine = latin1('*2\r\n$1\r\na\r\n$20000\r\n')
  const other = latin1('*1\r\n$4\r\nPING\r\n')
  const [head, rest] = [11, mine.length]
  const begin = (limits: RequestLimits, others: RequestLimits) => {
    expect(scanner.scan(mine, 0, head, limits)).toBe(Scan.MORE)
    scanner.scan(other, 0, other.length, others)
    return scanner.resume(mine, head, rest, 1, limits)
  }
  expect(begin(REQUEST_LIMITS, UNAUTHENTICATED_LIMITS)).toBe(Scan.MORE)
  expect(scanner.missing).toBe(20_002)
  expect(() => begin(UNAUTHENTICATED_LIMITS, REQUEST_LIMITS)).toThrow('unauthenticated bulk length')
})

test('MORE tells from where and how far', () => {
  const scanner = new RequestScanner()
  const bytes = latin1('..*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nva')
  const more = (end: number) => {
    expect(scanner.scan(bytes, 2, end, REQUEST_LIMITS)).toBe(Scan.MORE)
    return [scanner.at, scanner.left, scanner.missing]
  }
  expect(more(5)).toEqual([2, 0, 1])
  expect(more(6)).toEqual([6, 3, 1])
  expect(more(11)).toEqual([6, 3, 4])
  expect(more(15)).toEqual([15, 2, 1])
  expect(more(bytes.length)).toEqual([22, 1, 5])
})

test('what lies behind the end is not looked at', () => {
  const scanner = new RequestScanner()
  for (const text of ['*1\r\n$4\r\nPING\r\n', 'PING\r\n', '*12\r\n']) {
    const bytes = latin1(text)
    for (let end = 1; end < bytes.length; end++) {
      expect(scanner.scan(bytes, 0, end, REQUEST_LIMITS), `${text} up to ${end}`).toBe(Scan.MORE)
    }
  }
})

test('commands of any bytes, cut anywhere, are what they were', () => {
  const command = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(
      fc.array(command, { maxLength: 6 }),
      fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 5 }),
      (all, sizes) => {
        const bytes = Buffer.concat(all.map(args => encodeCommand(args)))
        const frames = all.map(args => args.map(arg => Buffer.from(arg).toString('latin1')))
        expect(scanRequests(cut(bytes, ...sizes))).toEqual({ frames, rest: 0 })
      },
    ),
  )
})

test('whatever the bytes, each is looked at a bounded number of times', () => {
  const watched = new RequestScanner()
  let reads = 0
  const parts = fc.array(
    fc.constantFrom('*', '$', '\r\n', '0', '1', '9', '-', 'a', '$1\r\na\r\n', '*3\r\n').map(latin1),
  )
  fc.assert(
    fc.property(parts, pieces => {
      const bytes = Buffer.concat(pieces)
      reads = 0
      const proxy = new Proxy(bytes, {
        get(target, key) {
          if (typeof key === 'string' && key.charCodeAt(0) <= 57) reads++
          const value = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      try {
        for (let at = 0; at < bytes.length; at = watched.end)
          if (watched.scan(proxy, at, bytes.length, REQUEST_LIMITS) === Scan.MORE) break
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
      expect(reads).toBeLessThanOrEqual(8 * bytes.length)
    }),
    { numRuns: 500 },
  )
})
