import fc from 'fast-check'
import RedisParser from 'redis-parser'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import { ReplyWriter } from '../../../codecs/redis/encode.ts'
import { decodeReplies, decodeReply, type Reply, ReplyError } from '../../../codecs/redis/value.ts'

const map = (...pairs: [Reply, Reply][]) => new Map<Reply, Reply>(pairs)

test.each<[string, Reply]>([
  ['+OK\r\n', 'OK'],
  ['-WRONGTYPE no\r\n', new ReplyError('WRONGTYPE no')],
  [':-7\r\n', -7],
  [':9223372036854775807\r\n', 9223372036854775807n],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['_\r\n', null],
  ['$0\r\n\r\n', ''],
  ['$2\r\n\r\n\r\n', '\r\n'],
  ['*2\r\n:1\r\n*1\r\n$1\r\na\r\n', [1, ['a']]],
  ['#t\r\n', true],
  ['#f\r\n', false],
  [',1.25\r\n', 1.25],
  [',-inf\r\n', Number.NEGATIVE_INFINITY],
  [',nan\r\n', Number.NaN],
  ['(3492890328409238509324850943850943825024385\r\n', 3492890328409238509324850943850943825024385n],
  ['!5\r\nERR x\r\n', new ReplyError('ERR x')],
  ['=7\r\ntxt:abc\r\n', 'abc'],
  ['%2\r\n+a\r\n:1\r\n:2\r\n%0\r\n', map(['a', 1], [2, map()])],
  ['~2\r\n+a\r\n+b\r\n', new Set<Reply>(['a', 'b'])],
  ['>2\r\n+a\r\n+b\r\n', ['a', 'b']],
  ['|1\r\n+ttl\r\n:3\r\n*1\r\n+a\r\n', ['a']],
])('%j', (bytes, value) => {
  expect(decodeReply(Buffer.from(bytes))).toEqual(value)
})

test.each([
  '',
  '+OK',
  '?x\r\n',
  '$3\r\nab\r\n',
  '$3\r\nabcde',
  '$-2\r\n',
  '$1x\r\na\r\n',
  '*2\r\n:1\r\n',
  ':\r\n',
  ':1a\r\n',
  '#x\r\n',
  ',x\r\n',
  '(1.5\r\n',
  '+a\r\n+b\r\n',
  '!-1\r\n',
  '*1\r\n'.repeat(100_000),
])('is no whole reply: %.20j', bytes => {
  expect(() => decodeReply(Buffer.from(bytes))).toThrow(ProtocolError)
})

test('an error has its first word as code', () => {
  expect((decodeReply(Buffer.from('-NOAUTH Authentication required.\r\n')) as ReplyError).code).toBe('NOAUTH')
})

const { reply } = fc.letrec<{ reply: Reply; array: Reply[] }>(tie => ({
  array: fc.array(tie('reply'), { maxLength: 5 }),
  reply: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger(),
    fc.constant(null),
    fc.string({ unit: 'grapheme-ascii' }).map(text => new ReplyError(`ERR ${text.trim()}`)),
    tie('array'),
  ),
}))

function write(writer: ReplyWriter, value: Reply): void {
  if (typeof value === 'string') writer.bulk(value)
  else if (typeof value === 'number') writer.integer(value)
  else if (value instanceof ReplyError) writer.error(value.message)
  else if (Array.isArray(value)) {
    writer.array(value.length)
    for (const element of value) write(writer, element)
  } else writer.null()
}

test('RESP2 is read as redis-parser reads it', () => {
  fc.assert(
    fc.property(fc.array(reply), replies => {
      const writer = new ReplyWriter(2)
      for (const value of replies) write(writer, value)
      const theirs: unknown[] = []
      const parser = new RedisParser({
        returnReply: value => theirs.push(value),
        returnError: error => theirs.push(error),
      })
      parser.execute(writer.toBuffer())
      expect(plain(decodeReplies(writer.toBuffer()))).toEqual(plain(theirs))
    }),
  )
})

/** Errors of two classes compare by their messages. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  return value instanceof Error ? { error: value.message } : value
}

test('whatever the bytes, there is a value or a ProtocolError', () => {
  const token = fc.constantFrom(
    '+',
    '-',
    ':',
    '$',
    '*',
    '%',
    '~',
    '>',
    '|',
    '=',
    '!',
    ',',
    '#',
    '(',
    '_',
    '1',
    '2',
    '\r\n',
  )
  fc.assert(
    fc.property(
      fc.array(token).map(tokens => tokens.join('')),
      text => {
        try {
          decodeReplies(Buffer.from(text))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
