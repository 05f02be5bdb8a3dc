import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadCommands } from '../../../codecs/redis/commands.ts'
import { encodeCommand } from '../../../codecs/redis/encode.ts'
import { KeyFlag } from '../../../codecs/redis/key-spec.ts'
import { KeyFinder } from '../../../codecs/redis/keys.ts'
import { argumentSpans } from '../../../codecs/redis/request-scanner.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'

const table = loadCommands()
const finder = new KeyFinder(table)

/** Finds the keys of a command line, in which `''` stands for an empty argument. */
function find(line: string, notKeys = false): { keys: (string | undefined)[]; complete: boolean } {
  const args = split(line)
  const bytes = encodeCommand(args)
  const spans = argumentSpans(bytes, 0)
  const container = table.lookup(bytes, spans[0]!, spans[1]!)
  const own = spans.length > 2 ? table.lookupSubcommand(container, bytes, spans[2]!, spans[3]!) : -1
  finder.find(own < 0 ? container : own, bytes, spans, notKeys)
  return { keys: finder.indexes.slice(0, finder.count).map(index => args[index]), complete: finder.complete }
}

const split = (line: string) => line.split(' ').map(arg => (arg === "''" ? '' : arg))

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

/** What Redis 7.0 knows, one command with and without what moves its keys. */
const LINES = `
  APPEND k v | BITCOUNT k | BITCOUNT k 0 -1 BIT | BITFIELD k GET u8 0 | BITFIELD k SET u8 0 1 | BITFIELD k INCRBY u8 0 1
  BITFIELD k GET u8 0 OVERFLOW SAT GET u8 8 | BITFIELD k OVERFLOW SAT INCRBY u8 0 1 GET u8 0 | BITFIELD_RO k GET u8 0
  BITOP AND d a b c | BITOP NOT d a | BITPOS k 1 | BLMOVE a b LEFT RIGHT 0 | BLMPOP 0 2 a b LEFT | BLMPOP 0 1 a LEFT COUNT 2
  BLPOP a 0 | BLPOP a b c 0 | BRPOP a b 0 | BRPOPLPUSH a b 0 | BZMPOP 0 2 a b MIN | BZPOPMAX a b 0 | BZPOPMIN a 0 | COPY a b
  COPY a b DB 1 REPLACE | DECR k | DECRBY k 2 | DEL a | DEL a b c | DUMP k | EVAL s 0 | EVAL s 2 a b c d | EVALSHA s 1 a b
  EVAL_RO s 2 a b | EVALSHA_RO s 1 a | EXISTS a b | EXPIRE k 1 | EXPIREAT k 1 NX | EXPIRETIME k | FCALL f 0 x
  FCALL f 2 a b c | FCALL_RO f 1 a b | GEOADD k 1 2 m | GEODIST k a b | GEOHASH k a | GEOPOS k a b
  GEORADIUS k 1 2 3 m | GEORADIUS k 1 2 3 m STORE d | GEORADIUS k 1 2 3 m COUNT 1 ASC STOREDIST d
  GEORADIUSBYMEMBER k m 3 km | GEORADIUSBYMEMBER k m 3 km STORE d | GEORADIUS_RO k 1 2 3 m | GEORADIUSBYMEMBER_RO k m 3 km
  GEOSEARCH k FROMMEMBER m BYRADIUS 1 m | GEOSEARCHSTORE d s FROMMEMBER m BYRADIUS 1 m | GET k | GETBIT k 1 | GETDEL k
  GETEX k | GETEX k PERSIST | GETRANGE k 0 1 | GETSET k v | HDEL k f g | HEXISTS k f | HGET k f | HGETALL k | HINCRBY k f 1
  HINCRBYFLOAT k f 1 | HKEYS k | HLEN k | HMGET k f g | HMSET k f v | HRANDFIELD k | HSCAN k 0 | HSET k f v g w | HSETNX k f v
  HSTRLEN k f | HVALS k | INCR k | INCRBY k 1 | INCRBYFLOAT k 1 | LCS a b | LCS a b LEN | LINDEX k 0 | LINSERT k BEFORE a b
  LLEN k | LMOVE a b LEFT LEFT | LMPOP 2 a b LEFT | LMPOP 1 a RIGHT COUNT 3 | LPOP k | LPOP k 2 | LPOS k v | LPUSH k a b
  LPUSHX k a | LRANGE k 0 1 | LREM k 0 v | LSET k 0 v | LTRIM k 0 1 | MGET a | MGET a b c | MIGRATE h 1 k 0 100
  MIGRATE h 1 k 0 100 COPY REPLACE | MIGRATE h 1 '' 0 100 KEYS a b c | MIGRATE h 1 '' 0 100 AUTH keys KEYS a
  MIGRATE h 1 '' 0 100 AUTH2 keys keys REPLACE KEYS a b | MOVE k 1 | MSET a 1 | MSET a 1 b 2 c 3 | MSETNX a 1 b 2
  OBJECT ENCODING k | OBJECT FREQ k | OBJECT IDLETIME k | OBJECT REFCOUNT k | MEMORY USAGE k | MEMORY USAGE k SAMPLES 5
  PERSIST k | PEXPIRE k 1 | PEXPIREAT k 1 | PEXPIRETIME k | PFADD k a | PFCOUNT a b | PFDEBUG TODENSE k | PFMERGE d a b
  PSETEX k 1 v | PTTL k | RENAME a b | RENAMENX a b | RESTORE k 0 x | RESTORE-ASKING k 0 x | RPOP k | RPOPLPUSH a b
  RPUSH k a | RPUSHX k a | SADD k a b | SCARD k | SDIFF a b | SDIFFSTORE d a b | SET k v | SET k v EX 1 | SET k v GET
  SET k v NX get EX 5 | SETBIT k 1 1 | SETEX k 1 v | SETNX k v | SETRANGE k 0 v | SINTER a b c | SINTERCARD 2 a b
  SINTERCARD 1 a LIMIT 5 | SINTERSTORE d a b | SISMEMBER k a | SMEMBERS k | SMISMEMBER k a b | SMOVE a b m
  SORT k | SORT k LIMIT 0 5 ASC | SORT k STORE d | SORT k BY w_* GET # GET o_* STORE d | SORT k BY store STORE d ALPHA
  SORT k STORE a STORE b | SORT k GET STORE STORE d | SORT_RO k BY w_* | SPOP k | SRANDMEMBER k | SREM k a | SSCAN k 0
  STRLEN k | SUBSTR k 0 1 | SUNION a b | SUNIONSTORE d a b | TOUCH a b | TTL k | TYPE k | UNLINK a b | WATCH a b
  XACK k g 1 | XADD k * f v | XAUTOCLAIM k g c 0 0 | XCLAIM k g c 0 1 | XDEL k 1 | XGROUP CREATE k g 0
  XGROUP CREATECONSUMER k g c | XGROUP DELCONSUMER k g c | XGROUP DESTROY k g | XGROUP SETID k g 0 | XINFO CONSUMERS k g
  XINFO GROUPS k | XINFO STREAM k FULL | XLEN k | XPENDING k g | XRANGE k - + | XREAD STREAMS a 0
  XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0 | XREAD STREAMS streams 0 | XREADGROUP GROUP g c STREAMS a b > >
  XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a > | XREADGROUP GROUP streams c STREAMS a >
  XREVRANGE k + - | XSETID k 1-1 | XTRIM k MAXLEN 1 | ZADD k 1 a | ZCARD k | ZCOUNT k 0 1
  ZDIFF 2 a b | ZDIFF 2 a b WITHSCORES | ZDIFFSTORE d 2 a b | ZINCRBY k 1 m | ZINTER 2 a b WEIGHTS 1 2 | ZINTERCARD 2 a b LIMIT 1
  ZINTERSTORE d 2 a b WEIGHTS 1 2 AGGREGATE MAX | ZLEXCOUNT k - + | ZMPOP 2 a b MIN COUNT 2 | ZMSCORE k a | ZPOPMAX k
  ZPOPMIN k 2 | ZRANDMEMBER k | ZRANGE k 0 1 | ZRANGEBYLEX k - + | ZRANGEBYSCORE k 0 1 | ZRANGESTORE d s 0 1 | ZRANK k m
  ZREM k m | ZREMRANGEBYLEX k - + | ZREMRANGEBYRANK k 0 1 | ZREMRANGEBYSCORE k 0 1 | ZREVRANGE k 0 1 | ZREVRANGEBYLEX k + -
  ZREVRANGEBYSCORE k 1 0 | ZREVRANK k m | ZSCAN k 0 | ZSCORE k m | ZUNION 3 a b c | ZUNIONSTORE d 1 a | ZUNIONSTORE d 3 a b c
  PING x | INFO x | CLIENT ID | CONFIG GET x | PUBLISH c m | SPUBLISH c m | SSUBSCRIBE c | SCAN 0 | KEYS x
`
  .split(/[|\n]/)
  .map(line => line.trim())
  .filter(line => line !== '')

type KeyWithFlags = [string, string[]]

/** As COMMAND GETKEYSANDFLAGS tells it. */
async function theirs(line: string): Promise<KeyWithFlags[]> {
  try {
    const keys = (await redis.call('COMMAND', 'GETKEYSANDFLAGS', ...split(line))) as KeyWithFlags[]
    return keys.map(([key, flags]) => [key, [...flags].sort()])
  } catch (error) {
    expect(String(error)).toMatch(/The command has no key arguments|Invalid arguments specified for command/)
    return []
  }
}

/** What rules look at; whether it is RW or OW changed between versions. */
const TOLD = ['access', 'update', 'insert', 'delete']

function ours(line: string): KeyWithFlags[] {
  const { keys } = find(line)
  return keys.map((key, i) => [
    String(key),
    TOLD.filter(word => finder.flags[i]! & KeyFlag[word.toUpperCase() as keyof typeof KeyFlag]).sort(),
  ])
}

/** The order is of no interest. */
const sorted = (keys: KeyWithFlags[]) =>
  keys.map(([key, flags]) => [key, flags.filter(flag => TOLD.includes(flag))]).sort((a, b) => (a[0]! < b[0]! ? -1 : 1))

test('finds the keys, and what is done with them, as Redis does', async () => {
  expect(LINES.length).toBeGreaterThan(200)
  for (const line of LINES) {
    expect({ line, keys: sorted(ours(line)) }).toEqual({ line, keys: sorted(await theirs(line)) })
  }
})

test('malformed commands have no keys', () => {
  for (const line of [
    'EVAL s',
    'EVAL s x a',
    'EVAL s 5 a',
    'EVAL s -1 a',
    'EVAL s 99999999999999999999 a',
    'XREAD STREAMS',
    'XREAD STREAMS a',
    'XREAD a STREAMS b 0',
    'ZUNION 0',
    'ZUNION 3 a b',
    'GET',
    'MSET',
    'MIGRATE h 1 k 0 1 KEYS a',
  ]) {
    expect({ line, ...find(line) }).toEqual({ line, keys: [], complete: true })
  }
})

test.each<[string, string[]]>([
  ['GEORADIUS k 1 2 3 m STORE a STOREDIST b', ['k', 'b']],
  ['XREADGROUP GROUP g streams MAXSIZE 5 CLAIM 10 STREAMS a >', ['a']],
  ['MSETEX 2 a 1 b 2 EX 10', ['a', 'b']],
  ['HIMPORT SET k f s 1', ['k']],
  ['BLMOVEM a b 0 LEFT LEFT', ['a', 'b']],
  ['JSON.MGET a b $', ['a', 'b']],
  ['JSON.MSET a $ 1 b $ 2', ['a', 'b']],
  ['TS.MADD a 1 1 b 1 1', ['a', 'b']],
  ['CMS.MERGE d 2 a b WEIGHTS 1 2', ['d', 'a', 'b']],
  ['VSIM v ELE a', ['v']],
  ['DELIFEQ k v', ['k']],
  ['FT.SEARCH index query', []],
])('commands of later versions and modules: %s', (line, keys) => {
  expect(find(line)).toEqual({ keys, complete: true })
})

test('tells when the arguments do not name all keys', () => {
  expect(find('SORT k BY nosort GET #').complete).toBe(false)
  expect(find('SORT k BY w_*').complete).toBe(false)
  expect(find('SORT k BY nosort LIMIT 0 5').complete).toBe(true)
  const id = table.add('test.unknown', -1, 0, 0, '1:RO.access ?:RO.access')
  const bytes = encodeCommand(['test.unknown', 'a'])
  expect(finder.find(id, bytes, argumentSpans(bytes, 0))).toBe(1)
  expect(finder.complete).toBe(false)
})

test('whatever the arguments, keys are among them', () => {
  const words = 'streams|keys|store|storedist|get|by|limit|group|auth2|0|1|2|999|-1||a|b'.split('|')
  const command = fc.tuple(fc.nat(table.names.length - 1), fc.array(fc.constantFrom(...words), { maxLength: 12 }))
  fc.assert(
    fc.property(command, ([id, args]) => {
      const bytes = encodeCommand(['name', ...args])
      const count = finder.find(id, bytes, argumentSpans(bytes, 0), true)
      expect(count).toBeLessThanOrEqual(finder.indexes.length)
      for (const index of finder.indexes.slice(0, count)) {
        expect(index).toBeGreaterThan(0)
        expect(index).toBeLessThanOrEqual(args.length)
      }
    }),
    { numRuns: 3000 },
  )
})

test('sharded channels are found only when asked for', () => {
  expect(find('SSUBSCRIBE a b').keys).toEqual([])
  expect(find('SSUBSCRIBE a b', true).keys).toEqual(['a', 'b'])
  expect(find('SPUBLISH a m', true).keys).toEqual(['a'])
})
