/** Requests without query attributes. With a real server of either product: test/listeners/mysql/switch-product.test.ts. */
import { expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  CLIENT_QUERY_ATTRIBUTES,
  executeWithoutAttributes,
  PayloadWriter,
  queryWithoutAttributes,
  textStart,
} from '../../../codecs/mysql/index.ts'

const STRING = 0xfd
const LONG = 3
const DATETIME = 12
const query = () => new PayloadWriter().u8(3)
const execute = (flags: number) => new PayloadWriter().u8(0x17).u32(9).u8(flags).u32(1)

test.each([
  ['none', query().u8(0).u8(1).string('SELECT 1')],
  ['a string', query().u8(1).u8(1).u8(0).u8(1).u16(STRING).lenencString('n').lenencString('v').string('SELECT 1')],
  ['a NULL', query().u8(1).u8(1).u8(1).u8(1).u16(STRING).lenencString('n').string('SELECT 1')],
  [
    'a date and a number',
    query()
      .u8(2)
      .u8(1)
      .u8(0)
      .u8(1)
      .u16(DATETIME)
      .lenencString('d')
      .u16(LONG)
      .lenencString('')
      .u8(4)
      .u32(1)
      .u32(7)
      .string('SELECT 1'),
  ],
])('COM_QUERY with %s', (_, writer) => {
  const packet = writer.packet(0)
  expect(packet.toString('latin1', textStart(packet, CLIENT_QUERY_ATTRIBUTES))).toBe('SELECT 1')
  expect(queryWithoutAttributes(packet)).toEqual(query().string('SELECT 1').packet(0))
  // The first piece of a longer one: the rest follows as it is.
  const piece = packet.subarray(0, -3)
  expect(queryWithoutAttributes(piece)).toEqual(query().string('SELECT 1').packet(0).subarray(0, -3))
})

const plain = execute(0).u8(0).u8(1).u16(STRING).u16(LONG).lenencString('text').u32(5).packet(0)
const named = (count: number, flags = 8) =>
  execute(flags).lenenc(count).u8(0).u8(1).u16(STRING).lenencString('').u16(LONG).lenencString('')

test('COM_STMT_EXECUTE', () => {
  const without = named(2).lenencString('text').u32(5).packet(0)
  expect(executeWithoutAttributes(without, 2)).toEqual(plain)
  expect(executeWithoutAttributes(without.subarray(0, -2), 2)).toEqual(plain.subarray(0, -2))
  const one = named(3).u16(STRING).lenencString('trace').lenencString('text').u32(5).lenencString('abc').packet(0)
  expect(executeWithoutAttributes(one, 2)).toEqual(plain)
  // Where the attributes are is known only at the end.
  expect(executeWithoutAttributes(one.subarray(0, -2), 2)).toBeNull()
  const only = execute(8).lenenc(1).u8(0).u8(1).u16(STRING).lenencString('trace').lenencString('abc').packet(0)
  expect(executeWithoutAttributes(only, 0)).toEqual(execute(0).packet(0))
  const again = execute(8).lenenc(2).u8(2).u8(0).u32(5).packet(0)
  expect(executeWithoutAttributes(again, 2)).toEqual(execute(0).u8(2).u8(0).u32(5).packet(0))
})

test('lengths that lie', () => {
  const packet = named(3).u16(STRING).lenencString('trace').u8(0xfe).packet(0)
  expect(() => executeWithoutAttributes(packet, 2)).toThrow(ProtocolError)
  expect(() => queryWithoutAttributes(query().u8(1).u8(1).u8(0).u8(1).u16(STRING).u8(200).packet(0))).toThrow(
    ProtocolError,
  )
})
