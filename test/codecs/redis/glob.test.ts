import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { globMatches } from '../../../codecs/redis/glob.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const matches = (pattern: string, text: string) => globMatches(bytes(pattern), bytes(text))

test.each<[string, string, boolean]>([
  ['', '', true],
  ['*', '', false],
  ['*', 'a', true],
  ['a*', 'a', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-b-b', false],
  ['h?llo', 'hello', true],
  ['h[ae]llo', 'hillo', false],
  ['h[^e]llo', 'hallo', true],
  ['h[a-c]llo', 'hbllo', true],
  ['h[c-a]llo', 'hbllo', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['[a', 'a', true],
  ['[\\]]', ']', true],
  ['A', 'a', false],
  ['\\', '\\', true],
])('%j on %j: %j', (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected)
})

test('looks at its part of the bytes only', () => {
  expect(globMatches(bytes('b*'), bytes('abcd'), 1, 3)).toBe(true)
  expect(globMatches(bytes('bc'), bytes('abcd'), 1, 3)).toBe(true)
  expect(globMatches(bytes('*d'), bytes('abcd'), 1, 3)).toBe(false)
})

test('many asterisks cost no more than the product of the lengths', () => {
  // Backtracking into every asterisk would not come to an end.
  expect(matches('a*'.repeat(500), `${'a'.repeat(5000)}b`)).toBe(true)
  expect(matches(`${'a*'.repeat(500)}c`, `${'a'.repeat(5000)}b`)).toBe(false)
})

let server: RedisServer
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.socketPath)
})
afterAll(async () => {
  redis?.disconnect()
  await server?.stop()
})

test('matches as KEYS does', async () => {
  const text = fc.array(fc.constantFrom(...'ab]-\\^*\x80\xff'.split('')), { minLength: 1, maxLength: 5 })
  const pattern = fc.array(fc.constantFrom(...'ab*?[]^-\\\x80\xff'.split('')), { maxLength: 8 })
  const some = (parts: fc.Arbitrary<string[]>, count: number) =>
    fc.sample(
      parts.map(each => each.join('')),
      count,
    )
  const texts = [...new Set(some(text, 400))]
  await redis.mset(texts.flatMap(each => [bytes(each), '']))
  for (const each of some(pattern, 1500)) {
    const theirs = (await redis.keysBuffer(bytes(each) as unknown as string)).map(key => key.toString('latin1'))
    expect({ pattern: each, keys: texts.filter(key => matches(each, key)).sort() }).toEqual({
      pattern: each,
      keys: theirs.sort(),
    })
  }
})
