/** Messages out of the body of a call, however that comes in pieces. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it, test } from 'vitest'
import { MessageDecoder } from '../../../listeners/grpc/message-decoder.ts'
import { status } from '../../../listeners/grpc/status.ts'

function framed(message: Buffer, compressed = 0): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = compressed
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

const MESSAGES = ['', 'a', 'bcd', 'x'.repeat(300)].map(text => Buffer.from(text))
const BODY = Buffer.concat([...MESSAGES.map(each => framed(each)), framed(gzipSync(MESSAGES[3]!), 1)])
const EXPECTED = [...MESSAGES, MESSAGES[3]!].map(String)

/** What comes of the pieces, of which the decoder may keep none. */
function decoded(pieces: readonly Buffer[], maxBytes = 1_000): string[] {
  const messages: string[] = []
  const decoder = new MessageDecoder('gzip', maxBytes, message => void messages.push(String(message)))
  for (const piece of pieces) {
    const lent = Buffer.from(piece)
    decoder.write(lent)
    lent.fill(0xee)
  }
  expect(decoder.isPartial).toBe(false)
  return messages
}

describe('messages', () => {
  it('come whole', () => {
    expect(decoded([BODY])).toEqual(EXPECTED)
  })

  it('come byte by byte', () => {
    expect(decoded(Array.from(BODY, byte => Buffer.of(byte)))).toEqual(EXPECTED)
  })

  it('come cut in two anywhere, and in three', () => {
    for (let i = 0; i <= BODY.length; i++) {
      expect(decoded([BODY.subarray(0, i), BODY.subarray(i)])).toEqual(EXPECTED)
      const j = Math.min(BODY.length, i + 7)
      expect(decoded([BODY.subarray(0, i), BODY.subarray(i, j), BODY.subarray(j)])).toEqual(EXPECTED)
    }
  })

  it('of a byte at a time do not cost many times what they hold', () => {
    const before = process.memoryUsage()
    const decoder = new MessageDecoder('identity', 2 ** 22, () => {})
    const body = framed(Buffer.alloc(2 ** 20))
    for (let i = 0; i < body.length - 1; i++) decoder.write(body.subarray(i, i + 1))
    const after = process.memoryUsage()
    expect(decoder.isPartial).toBe(true)
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
    // Garbage included; kept one by one they would take a hundred.
    expect(grown).toBeLessThan(48 * 2 ** 20)
  })
})

test.each([
  ['longer than allowed', framed(Buffer.alloc(1_001)).subarray(0, 5), status.RESOURCE_EXHAUSTED],
  ['longer than allowed once it is unpacked', framed(gzipSync(Buffer.alloc(1_001)), 1), status.RESOURCE_EXHAUSTED],
  ['not what it says it is', framed(Buffer.from('no gzip'), 1), status.INTERNAL],
  ['compressed in another way', framed(Buffer.from('x'), 2), status.INTERNAL],
])('one that is %s', (_, body, code) => {
  const caught = (pieces: readonly Buffer[]) => {
    try {
      decoded(pieces)
    } catch (error) {
      return (error as { status?: { code: number } }).status?.code
    }
    return undefined
  }
  expect(caught([body])).toBe(code)
  expect(caught(Array.from(body, byte => Buffer.of(byte)))).toBe(code)
})
