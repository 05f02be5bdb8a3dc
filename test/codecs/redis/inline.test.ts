import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { splitInline } from '../../../codecs/redis/inline.ts'
import { ReplyScanner } from '../../../codecs/redis/reply-scanner.ts'
import { decodeReply, type Reply, ReplyError } from '../../../codecs/redis/value.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'

const split = (line: string) => splitInline(Buffer.from(line, 'latin1'))?.map(arg => arg.toString('latin1')) ?? null

test.each<[string, string[] | null]>([
  ['', []],
  ['  \t\r\n', []],
  ['PING\r\n', ['PING']],
  [' SET  k\tv ', ['SET', 'k', 'v']],
  ['"two words" x', ['two words', 'x']],
  ["'two words' x", ['two words', 'x']],
  ['"" \'\'', ['', '']],
  [String.raw`"\n\r\t\b\a\\\"\q"`, ['\n\r\t\b\x07\\"q']],
  [String.raw`"\x41\xfF\x4g\x"`, ['A\xffx4gx']],
  [String.raw`'\'\n\x41\\ '`, [String.raw`'\n\x41\\ `]],
  [String.raw`'a\\'`, null],
  [String.raw`a\nb`, [String.raw`a\nb`]],
  ['ab"c d"', ['abc d']],
  ['a"b"c', null],
  ['"a"b', null],
  ["'a'b", null],
  ['"a', null],
  ["'a", null],
  ['a"', null],
  ['"a\\', null],
  ['"a\\"', null],
  ["'a\\'", null],
  ['"a"\v', ['a']],
  ['\va\vb\f c', ['a\vb\f', 'c']],
  ['a b\0 c "', ['a', 'b']],
  ['\xe9\x80', ['\xe9\x80']],
])('%j', (line, args) => {
  expect(split(line)).toEqual(args)
})

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(async () => {
  await server?.stop()
})

/** The answer to a line sent as it is. */
async function ask(socket: Socket, line: Buffer): Promise<Reply> {
  socket.write(line)
  let bytes = Buffer.alloc(0)
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    bytes = Buffer.concat([bytes, chunk])
    const end = new ReplyScanner().scan(bytes, 0, bytes.length)
    if (end >= 0) return decodeReply(bytes.subarray(0, end), 'buffers')
  }
}

test('splits as Redis does', async () => {
  const quoted = fc.constantFrom(...'"\'\\xnrtba4fFg \t\v\f\xff'.split(''))
  const lines = fc.array(quoted, { maxLength: 14 }).map(parts => Buffer.from(parts.join(''), 'latin1'))
  let socket = connect(server.socketPath)
  await fc.assert(
    fc.asyncProperty(lines, async line => {
      const sent = Buffer.concat([Buffer.from("EVAL 'return ARGV' 0 "), line, Buffer.from('\r\n')])
      const reply = await ask(socket, sent)
      if (reply instanceof ReplyError) {
        expect(reply.message).toBe('ERR Protocol error: unbalanced quotes in request')
        expect(splitInline(sent)).toBeNull()
        socket.destroy()
        socket = connect(server.socketPath)
      } else {
        const args = splitInline(sent)
        expect(args?.slice(3).map(arg => arg.toString('hex'))).toEqual(
          (reply as Buffer[]).map(arg => arg.toString('hex')),
        )
        expect(splitInline(line)?.length).toBe((reply as Buffer[]).length)
      }
    }),
    { numRuns: 500 },
  )
  socket.destroy()
})

test('whatever the bytes, there are arguments or null', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const args = splitInline(bytes)
      if (args !== null) expect(args.reduce((sum, arg) => sum + arg.length, 0)).toBeLessThanOrEqual(bytes.length)
    }),
  )
})
