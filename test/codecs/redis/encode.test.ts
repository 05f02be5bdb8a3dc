import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeBulk,
  encodeCommand,
  encodeError,
  encodeInteger,
  encodeNull,
  encodeNullArray,
  encodeSimple,
  ReplyWriter,
} from '../../../codecs/redis/encode.ts'
import { decodeReply } from '../../../codecs/redis/value.ts'

test.each([
  [encodeCommand(['GET', 'k']), '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n'],
  [encodeCommand(['SET', 'é', Buffer.from([0xff, 13, 10])]), '*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$3\r\n\xff\r\n\r\n'],
  [encodeCommand([]), '*0\r\n'],
  [encodeCommand(Array<string>(11).fill('')), `*11\r\n${'$0\r\n\r\n'.repeat(11)}`],
  [encodeSimple('OK'), '+OK\r\n'],
  [encodeError("ERR unknown command 'a\r\nb'\r\n"), "-ERR unknown command 'a  b'\r\n"],
  [encodeInteger(-5), ':-5\r\n'],
  [encodeInteger(2n ** 63n - 1n), ':9223372036854775807\r\n'],
  [encodeBulk(''), '$0\r\n\r\n'],
  [encodeBulk('0123456789'), '$10\r\n0123456789\r\n'],
  [encodeNull(2), '$-1\r\n'],
  [encodeNull(3), '_\r\n'],
  [encodeNullArray(2), '*-1\r\n'],
  [encodeNullArray(3), '_\r\n'],
])('%#: %j', (bytes, expected) => {
  expect(bytes.toString('latin1')).toBe(expected)
})

/** Every kind that there is in RESP3, once. */
function everything(version: 2 | 3): string {
  return new ReplyWriter(version)
    .array(10)
    .map(1)
    .simple('a')
    .boolean(true)
    .set(1)
    .boolean(false)
    .push(2)
    .double(1.5)
    .double(-Infinity)
    .bigNumber(-(10n ** 20n))
    .verbatim('é')
    .null()
    .nullArray()
    .error('ERR no')
    .bulk(Buffer.from('b'))
    .integer(1)
    .toBuffer()
    .toString()
}

test('what RESP2 lacks degrades as in Redis', () => {
  expect(everything(3)).toBe(
    '*10\r\n%1\r\n+a\r\n#t\r\n~1\r\n#f\r\n>2\r\n,1.5\r\n,-inf\r\n(-100000000000000000000\r\n=6\r\ntxt:é\r\n_\r\n_\r\n' +
      '-ERR no\r\n$1\r\nb\r\n:1\r\n',
  )
  expect(everything(2)).toBe(
    '*10\r\n*2\r\n+a\r\n:1\r\n*1\r\n:0\r\n*2\r\n$3\r\n1.5\r\n$4\r\n-inf\r\n$22\r\n-100000000000000000000\r\n$2\r\né\r\n' +
      '$-1\r\n*-1\r\n-ERR no\r\n$1\r\nb\r\n:1\r\n',
  )
})

const hex = (value: string | Uint8Array) => Buffer.from(value).toString('hex')

test('whatever the arguments, a command is an array of them', () => {
  const argument = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array())
  fc.assert(
    fc.property(fc.array(argument), args => {
      const back = decodeReply(encodeCommand(args), 'buffers') as Buffer[]
      expect(back.map(hex)).toEqual(args.map(hex))
    }),
  )
})

test('an error is one line, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\r', '\n', 'a', ' ') }), text => {
      expect(encodeError(text).toString()).toMatch(/^-[a ]*\r\n$/)
    }),
  )
})
