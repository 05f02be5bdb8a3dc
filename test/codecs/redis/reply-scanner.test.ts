/**
 * Where replies end: each row fed whole, byte by byte, split at every offset and with the start of another behind it,
 * both kept until it is whole and let go in pieces.
 */
import fc from 'fast-check'
import RedisParser from 'redis-parser'
import { describe, expect, test } from 'vitest'
import { decodeReply, ReplyScanner, ReplyWriter } from '../../../codecs/redis/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'
import { scanReplies } from '../../support/redis-feed.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

const RESP2 = [
  '+OK\r\n',
  '+\r\n',
  '-ERR unknown\r\n',
  ':0\r\n',
  ':-9223372036854775808\r\n',
  '$0\r\n\r\n',
  '$3\r\nabc\r\n',
  '$4\r\n\r\n\r\n\r\n',
  '$11\r\n*1\r\n$1\r\na\r\n\r\n',
  '$-1\r\n',
  '*-1\r\n',
  '*0\r\n',
  '*1\r\n$-1\r\n',
  '*3\r\n:1\r\n$-1\r\n+a\r\n',
  '*2\r\n*0\r\n*-1\r\n',
  '*2\r\n*2\r\n$1\r\na\r\n:1\r\n*1\r\n*1\r\n$2\r\nbc\r\n',
  '*2\r\n-ERR in EXEC\r\n+OK\r\n',
] as const

const RESP3 = [
  '_\r\n',
  '#t\r\n',
  ',1.5\r\n',
  ',-inf\r\n',
  '(3492890328409238509324850943850943825024385\r\n',
  '!8\r\nERR a\r\nb\r\n',
  '=8\r\ntxt:a\r\nb\r\n',
  '%0\r\n',
  '%2\r\n+a\r\n:1\r\n$1\r\nb\r\n%1\r\n_\r\n~1\r\n#f\r\n',
  '~3\r\n:1\r\n:2\r\n:3\r\n',
  '>3\r\n+message\r\n$1\r\nc\r\n$2\r\n\r\n\r\n',
  // An attribute and what it belongs to are one reply, wherever it stands.
  '|1\r\n+ttl\r\n:3600\r\n$1\r\na\r\n',
  '|0\r\n+a\r\n',
  '|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n*1\r\n|1\r\n$1\r\nc\r\n%1\r\n+d\r\n_\r\n+e\r\n',
  '%1\r\n|1\r\n+a\r\n+b\r\n+key\r\n|1\r\n+a\r\n+b\r\n+value\r\n',
  '*2\r\n~1\r\n%1\r\n*0\r\n=4\r\ntxt:\r\n,nan\r\n',
] as const

describe.each([...RESP2, ...RESP3])('%j', text => {
  test.each(['*2\r\n$3\r\nab', '+O', '$', '$10\r\nab', '|1\r\n+a\r\n'])('is one, with %j behind it', more => {
    const trailing = latin1(more)
    for (const { way, pieces } of everyFeed(latin1(text), trailing)) {
      const expected = { frames: [text], rest: way.includes('trailing') ? trailing.length : 0 }
      for (const holdBytes of [Infinity, 0, 3, 10]) {
        expect(scanReplies(pieces, { holdBytes }), `${way}, ${holdBytes} held back`).toEqual(expected)
      }
    }
  })

  test('is one value', () => {
    expect(() => decodeReply(latin1(text))).not.toThrow()
  })
})

test('all rows behind one another, in pieces of every size', () => {
  const frames = [...RESP2, ...RESP3, ...RESP2]
  const bytes = latin1(frames.join(''))
  for (let size = 1; size <= 64; size++) {
    for (const holdBytes of [Infinity, 0, 7]) {
      expect(scanReplies(cut(bytes, size), { holdBytes })).toEqual({ frames, rest: 0 })
    }
  }
})

test.each<[bytes: string, text: string, before?: string[]]>([
  ['?1\r\n', 'unknown reply type 0x3f'],
  ['\r\n', 'unknown reply type 0xd'],
  ['HTTP/1.1 400 Bad Request\r\n', 'unknown reply type 0x48'],
  ['*1\r\nx', 'unknown reply type 0x78'],
  ['+OK\r\n\0', 'unknown reply type 0x0', ['+OK\r\n']],
  ['$\r\n', 'a length in the reply is not a number'],
  ['$a\r\n', 'a length in the reply is not a number'],
  ['$+1\r\na\r\n', 'a length in the reply is not a number'],
  ['$-2\r\n', 'a length in the reply is not a number'],
  ['$-01\r\n', 'a length in the reply is not a number'],
  ['$-\r\n', 'a length in the reply is not a number'],
  ['$1x', 'a length in the reply is not a number'],
  ['$1 \r\n', 'a length in the reply is not a number'],
  ['$1\rx', 'a length in the reply is not a number'],
  ['$1\na\r\n', 'a length in the reply is not a number'],
  // RESP3 has a null of its own; of these there is none.
  ['%-1\r\n', 'a length in the reply is not a number'],
  ['~-1\r\n', 'a length in the reply is not a number'],
  ['>-1\r\n', 'a length in the reply is not a number'],
  ['|-1\r\n', 'a length in the reply is not a number'],
  ['=-1\r\n', 'a length in the reply is not a number'],
  ['!-1\r\n', 'a length in the reply is not a number'],
  // Streamed strings and aggregates: specified, but no server sends them.
  ['$?\r\n', 'a length in the reply is not a number'],
  ['*?\r\n', 'a length in the reply is not a number'],
  ['*1000000000000000\r\n', 'a length in the reply is not a number'],
  ['$99999999999999999999\r\n', 'a length in the reply is not a number'],
  ['$1\r\nabc', 'a bulk of the reply is not ended by CRLF'],
  ['$1\r\na\rb', 'a bulk of the reply is not ended by CRLF'],
  ['$20\r\n01234567890123456789xx', 'a bulk of the reply is not ended by CRLF'],
  ['$20\r\n01234567890123456789\rx', 'a bulk of the reply is not ended by CRLF'],
  ['*2\r\n$1\r\na\r\n$1\r\nab\n', 'a bulk of the reply is not ended by CRLF'],
  [':1\r\n*1\r\n=3\r\nabcdef', 'a bulk of the reply is not ended by CRLF', [':1\r\n']],
])('refused: %j', (text, message, before = []) => {
  const bytes = latin1(text)
  for (const { way, pieces } of everyFeed(bytes, latin1('+a'))) {
    for (const holdBytes of [Infinity, 0, 3]) {
      expect(scanReplies(pieces, { holdBytes }), way).toEqual({ frames: before, error: message, rest: 0 })
    }
  }
})

test('a line may hold a CR or LF alone, as modules send them', () => {
  const frames = ['+a\rb\r\n', '-ERR a\nb\r\n', '+\r\r\n', '+\n\r\n']
  for (const { way, pieces } of everyFeed(latin1(frames.join('')))) {
    expect(scanReplies(pieces), way).toEqual({ frames, rest: 0 })
  }
})

test('nesting costs neither stack nor memory', () => {
  const depth = 1_000_000
  const bytes = latin1(`${'*1\r\n'.repeat(depth)}:1\r\n`)
  expect(new ReplyScanner().scan(bytes, 0, bytes.length)).toBe(bytes.length)
  expect(new ReplyScanner().scan(bytes, 0, bytes.length - 1)).toBe(-1)
})

test('a huge bulk leaves as it comes, and none of it is kept', () => {
  const scanner = new ReplyScanner()
  const size = 5 * 1024 ** 3
  const head = latin1(`*2\r\n$${size}\r\n`)
  expect(scanner.scan(head, 0, head.length)).toBe(-1)
  expect(scanner.suspend(head.length)).toBe(head.length)
  const piece = Buffer.alloc(64 * 1024 * 1024, 120)
  for (let left = size; left > 0; left -= piece.length) {
    expect(scanner.suspended).toBe(true)
    expect(scanner.scan(piece, 0, piece.length)).toBe(-1)
    expect(scanner.suspend(piece.length)).toBe(piece.length)
  }
  const tail = latin1('\r\n:1\r\n+next\r\n')
  expect(scanner.scan(tail, 0, tail.length)).toBe(6)
  expect(scanner.suspended).toBe(false)
  expect(scanner.scan(tail, 6, tail.length)).toBe(tail.length)
})

test('a reply of many elements leaves up to the one that is not whole', () => {
  const scanner = new ReplyScanner()
  const bytes = latin1('*3\r\n:1\r\n:2')
  expect(scanner.scan(bytes, 0, bytes.length)).toBe(-1)
  expect(scanner.suspend(bytes.length)).toBe(8)
  const more = latin1(':2\r\n:3\r\n')
  expect(scanner.scan(more, 0, more.length)).toBe(more.length)
})

test('restart forgets, so that the same bytes may be read again', () => {
  const scanner = new ReplyScanner()
  const bytes = latin1('*2\r\n:1\r\n:2\r\n')
  for (let end = 0; end < bytes.length; end++) {
    expect(scanner.scan(bytes, 0, end)).toBe(-1)
    scanner.restart()
    expect(scanner.suspended).toBe(false)
  }
  expect(scanner.scan(bytes, 0, bytes.length)).toBe(bytes.length)
})

test('what lies behind the end is not looked at', () => {
  for (const text of [...RESP2, ...RESP3]) {
    const bytes = latin1(text)
    for (let end = 0; end < bytes.length; end++) {
      expect(new ReplyScanner().scan(bytes, 0, end), `${text} up to ${end}`).toBe(-1)
    }
  }
})

describe('random replies', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'é', '\0', '\n', '*', '$'), maxLength: 12 })
  type Write = (writer: ReplyWriter) => ReplyWriter
  const { reply: replies } = fc.letrec<{ reply: Write; leaf: Write; nested: Write }>(tie => ({
    leaf: fc.oneof(
      word.map(
        (text): Write =>
          writer =>
            writer.bulk(text),
      ),
      fc.uint8Array({ maxLength: 30 }).map(
        (bytes): Write =>
          writer =>
            writer.bulk(bytes),
      ),
      fc.maxSafeInteger().map(
        (value): Write =>
          writer =>
            writer.integer(value),
      ),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(
        (value): Write =>
          writer =>
            writer.bigNumber(value),
      ),
      fc.double().map(
        (value): Write =>
          writer =>
            writer.double(value),
      ),
      fc.boolean().map(
        (value): Write =>
          writer =>
            writer.boolean(value),
      ),
      word.map(
        (text): Write =>
          writer =>
            writer.simple(text),
      ),
      word.map(
        (text): Write =>
          writer =>
            writer.error(`ERR ${text}`),
      ),
      word.map(
        (text): Write =>
          writer =>
            writer.verbatim(text),
      ),
      fc.constant((writer: ReplyWriter) => writer.null()),
      fc.constant((writer: ReplyWriter) => writer.nullArray()),
    ),
    nested: fc
      .tuple(
        fc.constantFrom('array' as const, 'set' as const, 'map' as const, 'push' as const),
        fc.array(tie('reply'), { maxLength: 4 }),
      )
      .map(
        ([kind, all]): Write =>
          writer => {
            const pairs = kind === 'map' ? [...all, ...all] : all
            return pairs.reduce((whole, write) => write(whole), writer[kind](all.length))
          },
      ),
    reply: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, tie('leaf'), tie('nested')),
  }))
  const sizes = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 5 })
  const encode = (version: 2 | 3, all: readonly Write[]) =>
    all.map(write => write(new ReplyWriter(version)).toBuffer().toString('latin1'))

  test.each([2, 3] as const)('RESP%d: each ends where it ends, however it comes', version => {
    fc.assert(
      fc.property(fc.array(replies, { maxLength: 6 }), sizes, fc.nat({ max: 20 }), (all, pieces, holdBytes) => {
        const frames = encode(version, all)
        const bytes = latin1(frames.join(''))
        expect(scanReplies([bytes])).toEqual({ frames, rest: 0 })
        expect(scanReplies(cut(bytes, ...pieces), { holdBytes })).toEqual({ frames, rest: 0 })
      }),
    )
  })

  test('RESP2: as redis-parser reads them', () => {
    fc.assert(
      fc.property(fc.array(replies, { maxLength: 6 }), sizes, (all, pieces) => {
        const bytes = latin1(encode(2, all).join(''))
        const theirs: unknown[] = []
        const parser = new RedisParser({
          returnReply: reply => theirs.push(reply),
          returnError: error => theirs.push(error.message),
          returnBuffers: true,
        })
        const ours: unknown[] = []
        let held: string[] = []
        for (const piece of cut(bytes, ...pieces)) {
          parser.execute(piece)
          held.push(piece.toString('latin1'))
          const { frames, rest } = scanReplies([latin1(held.join(''))])
          for (const frame of frames) {
            const value = decodeReply(latin1(String(frame)), 'buffers')
            ours.push(value instanceof Error ? value.message : value)
          }
          const text = held.join('')
          held = [text.slice(text.length - rest)]
          // Both have found as many after each piece.
          expect(ours.length).toBe(theirs.length)
        }
        expect(plain(ours)).toEqual(plain(theirs))
      }),
    )
  })
})

/** redis-parser has errors of its own class, and texts for what is beyond a number. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Error) return value.message
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  return value
}
