/**
 * Random sessions: pipelines of commands that are right, or wrong in ways that a server answers, cut at random and said
 * by several clients at once, to a server and to Portolan in front of another. Each client must get the same bytes.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeCommand } from '../../codecs/redis/index.ts'
import { converse, type Peer, type Talk } from '../support/conversation.ts'
import { cut } from '../support/feed.ts'
import { Rig } from '../support/portolan.ts'

const rig = new Rig()
let direct: Peer
let proxied: Peer
let flush: () => Promise<void>
beforeAll(async () => {
  const [server, behind] = await Promise.all([rig.redis(), rig.redis()])
  // Small, so that requests pass in pieces.
  const portolan = await rig.portolan(behind.port, { listener: { streamRequestsAbove: '4KiB' } })
  direct = { port: server.port, witness: await rig.client(server.port) }
  proxied = { port: portolan.port(), witness: await rig.client(portolan) }
  flush = async () => {
    await Promise.all([direct.witness.call('FLUSHALL'), proxied.witness.call('FLUSHALL')])
  }
})
afterAll(() => rig.close())

type Args = readonly (string | Uint8Array)[]

/** Keys are of one client alone: what others do in the meantime must not matter. `?` stands for its prefix. */
const key = fc.constantFrom('?a', '?b', '?c')
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('', '1', '-7', 'text', '\r\n', '$3\r\nabc\r\n') },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 30_000 }).map(length => 'v'.repeat(length)) },
)
const line = (...parts: (string | fc.Arbitrary<string | Uint8Array>)[]): fc.Arbitrary<Args[]> =>
  fc.tuple(...parts.map(part => (typeof part === 'string' ? fc.constant(part) : part))).map(args => [args])

const data = fc.oneof(
  line('GET', key),
  line('SET', key, value),
  line('set', key, value, 'EX', '100'),
  line('INCR', key),
  line('APPEND', key, value),
  line('STRLEN', key),
  line('GETRANGE', key, '0', '5'),
  line('DEL', key, key),
  line('RPUSH', key, value, value),
  line('LRANGE', key, '0', '-1'),
  line('HSET', key, 'f', value),
  line('HGETALL', key),
  line('SADD', key, '1', '2'),
  line('SMEMBERS', key),
  line('ZADD', key, '1.5', 'm'),
  line('ZRANGE', key, '0', '-1', 'WITHSCORES'),
  line('MGET', key, key),
  line('TYPE', key),
  line('EVAL', 'return {KEYS[1],ARGV[1],1,false}', '1', key, value),
  line('EVAL', 'return redis.call("incr",KEYS[1])', '1', key),
  line('ECHO', value),
  line('PING'),
)
const small = fc.oneof(line('GET', key), line('INCR', key), line('SADD', key, '1'), line('PING'), line('ECHO', 'x'))
const wrong = fc.oneof(
  line('nosuch', value),
  line('GET'),
  line('SET', key),
  line('CONFIG', 'nosuch'),
  line('INCR', 'x', 'y'),
)
const transaction = fc
  .tuple(
    fc.option(line('WATCH', key)),
    fc.array(fc.oneof({ weight: 8, arbitrary: data }, { weight: 1, arbitrary: wrong }), { maxLength: 5 }),
    fc.constantFrom('EXEC', 'EXEC', 'DISCARD'),
  )
  .map(([watch, commands, end]): Args[] => [...(watch ?? []), ['MULTI'], ...commands.flat(), [end]])
const connection = fc.oneof(
  line('SELECT', fc.constantFrom('0', '1', '2')),
  line('CLIENT', 'SETNAME', fc.constantFrom('me', 'you', '')),
  line('CLIENT', 'GETNAME'),
  line('HELLO', fc.constantFrom('2', '3')),
  line('RESET'),
  line('UNWATCH'),
  line('BLPOP', key, '0.01'),
  line('WAIT', '0', '0'),
  small.map((skipped): Args[] => [['CLIENT', 'REPLY', 'SKIP'], ...skipped]),
  fc
    .array(data, { maxLength: 3 })
    .map((quiet): Args[] => [['CLIENT', 'REPLY', 'OFF'], ...quiet.flat(), ['CLIENT', 'REPLY', 'ON']]),
  fc.constantFrom<Args[]>(
    [
      ['SUBSCRIBE', '?c'],
      ['PING', 'x'],
      ['UNSUBSCRIBE', '?c'],
    ],
    [['UNSUBSCRIBE', '?nosuch']],
    [['PSUBSCRIBE', '?*'], ['PUNSUBSCRIBE']],
  ),
)
const commands = fc.oneof(
  { weight: 10, arbitrary: data },
  { weight: 1, arbitrary: wrong },
  { weight: 3, arbitrary: transaction },
  { weight: 4, arbitrary: connection },
)
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9000 })), {
  minLength: 1,
  maxLength: 4,
})
const session = fc.record({
  commands: fc.array(commands, { maxLength: 12 }).map(all => all.flat()),
  inline: fc.boolean(),
  sizes,
  protocol: fc.constantFrom<2 | 3>(2, 3),
})
type Session = typeof session extends fc.Arbitrary<infer T> ? T : never

const PLAIN = /^[\w?.-]+$/

function encode({ commands, inline }: Session, prefix: string): Buffer {
  const requests = commands.map(args => {
    const own = args.map(arg => (typeof arg === 'string' ? arg.replace(/^\?/, prefix) : arg))
    if (inline && own.every(arg => typeof arg === 'string' && PLAIN.test(arg)))
      return Buffer.from(`${own.join(' ')}\r\n`)
    return encodeCommand(own)
  })
  return Buffer.concat(requests)
}

/** Out of whatever state it is in, to an answer that tells that everything before has been answered. */
const AFTERWARDS = Buffer.concat(
  [['PING'], ['CLIENT', 'REPLY', 'ON'], ['DISCARD'], ['ECHO', 'sentinel']].map(args => encodeCommand(args)),
)

async function hear(peer: Peer, sessions: readonly Session[]): Promise<string[]> {
  const talks = sessions.map((each, i): Talk => {
    const bytes = encode(each, `${i}:`)
    const pieces = bytes.length === 0 ? [] : cut(bytes, ...each.sizes)
    return { pieces, protocol: each.protocol, afterwards: AFTERWARDS, awaits: 'sentinel' }
  })
  const heard = await Promise.all(talks.map(talk => converse(peer, talk)))
  return heard.map(({ received, ending }) => `${received.replace(/(?<=\$2\r\nid\r\n):\d+/g, ':id')}${ending}`)
}

test('each client gets what it would get from the server', async () => {
  await fc.assert(
    fc
      .asyncProperty(fc.array(session, { minLength: 1, maxLength: 3 }), async sessions => {
        const [theirs, ours] = await Promise.all([hear(direct, sessions), hear(proxied, sessions)])
        expect(ours).toEqual(theirs)
      })
      .beforeEach(() => flush()),
    { numRuns: Number(process.env['PORTOLAN_FUZZ_RUNS'] ?? 100), interruptAfterTimeLimit: 600_000 },
  )
}, 900_000)
