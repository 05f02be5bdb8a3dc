// ioredis as an application uses it, with its defaults.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cases, load, until } from '../cases.mjs'
import { authPort, host, port } from './address.mjs'

const { Redis } = load('ioredis')

function open(after, options = {}) {
  const redis = new Redis({ host, port, ...options })
  redis.on('error', () => {})
  after(() => redis.disconnect())
  return redis
}

const bytes = (length, seed) =>
  Buffer.alloc(length, Buffer.from(Array.from({ length: 251 }, (_, i) => (i * seed) & 255)))

async function roundTrip(redis, length) {
  const value = bytes(length, 7)
  await redis.set('big', value)
  assert.ok(value.equals(await redis.getBuffer('big')))
  const both = await Promise.all([redis.getBuffer('big'), redis.get('small'), redis.getBuffer('big')])
  assert.ok(value.equals(both[0]) && both[1] === null && value.equals(both[2]))
}

await cases({
  async connect(after) {
    const redis = open(after)
    await once(redis, 'ready')
    assert.equal(await redis.ping(), 'PONG')
    assert.match(await redis.info(), /redis_version:/)
  },
  async 'connect with name'(after) {
    const redis = open(after, { connectionName: 'interop' })
    assert.equal(await redis.client('GETNAME'), 'interop')
    assert.match(await redis.client('LIST'), /name=interop /)
    assert.match(await redis.client('INFO'), /name=interop /)
  },
  async 'hello 2 and 3'(after) {
    const redis = open(after)
    const reply = await redis.call('HELLO')
    const flat = Array.isArray(reply) ? reply : Object.entries(reply).flat()
    assert.ok(flat.includes('server') && flat.includes('redis'))
    await assert.rejects(redis.call('HELLO', '9'), /NOPROTO/)
    assert.equal(await redis.ping(), 'PONG')
  },
  async 'password of the default user'(after) {
    const redis = open(after, { port: authPort, password: 'secret' })
    assert.equal(await redis.set('k', 'v'), 'OK')
  },
  async 'user and password'(after) {
    const redis = open(after, { port: authPort, username: 'app', password: 'app-secret' })
    assert.equal(await redis.set('k', 'v'), 'OK')
  },
  async 'wrong password'(after) {
    const redis = open(after, { port: authPort, password: 'wrong', retryStrategy: null })
    const [error] = await once(redis, 'error')
    assert.match(error.message, /WRONGPASS|NOAUTH/)
  },
  async 'no password'(after) {
    const redis = open(after, { port: authPort, enableReadyCheck: false })
    await assert.rejects(redis.get('k'), /NOAUTH/)
  },
  async strings(after) {
    const redis = open(after)
    assert.equal(await redis.set('s', 'ä\r\n\0'), 'OK')
    assert.equal(await redis.get('s'), 'ä\r\n\0')
    assert.equal(await redis.incrby('n', 41), 41)
    assert.equal(await redis.incrbyfloat('f', 1.5), '1.5')
    assert.deepEqual(await redis.mget('s', 'missing', 'n'), ['ä\r\n\0', null, '41'])
    assert.equal(await redis.set('s', 'x', 'PX', 10_000, 'NX'), null)
    assert.ok((await redis.pexpire('s', 5_000)) === 1 && (await redis.pttl('s')) > 0)
  },
  async 'other types'(after) {
    const redis = open(after)
    await redis.hset('h', { a: 1, b: 2 })
    assert.deepEqual(await redis.hgetall('h'), { a: '1', b: '2' })
    await redis.zadd('z', 1.5, 'one', 2, 'two')
    assert.equal(Number(await redis.zscore('z', 'one')), 1.5)
    assert.equal((await redis.zrange('z', 0, -1, 'WITHSCORES')).flat().length, 4)
    await redis.sadd('set', 'x', 'y')
    assert.equal([...(await redis.smembers('set'))].length, 2)
    assert.equal(await redis.sismember('set', 'x'), 1)
    await redis.geoadd('geo', 13.361389, 38.115556, 'Palermo')
    assert.equal((await redis.geopos('geo', 'Palermo'))[0].length, 2)
    assert.equal(await redis.object('ENCODING', 'n'), 'int')
  },
  async errors(after) {
    const redis = open(after)
    await redis.rpush('list', 'a')
    await assert.rejects(redis.get('list'), /^ReplyError: WRONGTYPE|WRONGTYPE/)
    await assert.rejects(
      redis.call('NOSUCH', 'a', 'b'),
      /ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'/,
    )
    await assert.rejects(redis.call('GET'), /wrong number of arguments for 'get' command/)
    assert.equal(await redis.ping('still here'), 'still here')
  },
  async 'pipeline of 1000'(after) {
    const redis = open(after)
    const pipeline = redis.pipeline()
    for (let i = 0; i < 1_000; i += 1) pipeline.set(`p${i}`, i).get(`p${i}`)
    const results = await pipeline.exec()
    assert.equal(results.length, 2_000)
    for (const [i, [error, value]] of results.entries())
      assert.equal(error ?? value, i % 2 === 0 ? 'OK' : String((i - 1) / 2))
  },
  async 'automatic pipelining'(after) {
    const redis = open(after, { enableAutoPipelining: true })
    await Promise.all(Array.from({ length: 500 }, (_, i) => redis.set(`a${i}`, i)))
    const values = await Promise.all(Array.from({ length: 500 }, (_, i) => redis.get(`a${i}`)))
    assert.deepEqual(
      values,
      Array.from({ length: 500 }, (_, i) => String(i)),
    )
  },
  async 'multi and exec'(after) {
    const redis = open(after)
    const results = await redis.multi().set('m', 1).incr('m').get('m').exec()
    assert.deepEqual(results, [
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ])
  },
  async 'multi with an error inside'(after) {
    const redis = open(after)
    await redis.set('m', 'text')
    const [[first], [, second]] = await redis.multi().incr('m').get('m').exec()
    assert.match(first.message, /not an integer/)
    assert.equal(second, 'text')
    await assert.rejects(redis.multi().set('m').exec(), /EXECABORT/)
    assert.equal(await redis.get('m'), 'text')
  },
  async 'multi command by command'(after) {
    const redis = open(after)
    await redis.multi({ pipeline: false })
    assert.equal(await redis.set('m2', 'x'), 'QUEUED')
    assert.equal(await redis.get('m2'), 'QUEUED')
    assert.deepEqual(await redis.exec(), [
      [null, 'OK'],
      [null, 'x'],
    ])
    await redis.multi({ pipeline: false })
    await redis.set('m2', 'y')
    assert.equal(await redis.discard(), 'OK')
    assert.equal(await redis.get('m2'), 'x')
  },
  async 'watch: a conflict gives null'(after) {
    const [redis, other] = [open(after), open(after)]
    await redis.set('w', 1)
    await redis.watch('w')
    await other.set('w', 2)
    assert.equal(await redis.multi().set('w', 3).exec(), null)
    assert.equal(await redis.get('w'), '2')
    await redis.watch('w')
    await redis.unwatch()
    await other.set('w', 4)
    assert.deepEqual(await redis.multi().set('w', 5).exec(), [[null, 'OK']])
  },
  async 'watch: optimistic loops of 5 clients'(after) {
    const clients = Array.from({ length: 5 }, () => open(after))
    await clients[0].set('counter', 0)
    await Promise.all(
      clients.map(async redis => {
        for (let done = 0; done < 20; ) {
          await redis.watch('counter')
          const next = Number(await redis.get('counter')) + 1
          if ((await redis.multi().set('counter', next).exec()) !== null) done += 1
        }
      }),
    )
    assert.equal(await clients[0].get('counter'), '100')
  },
  async 'blpop: timeout'(after) {
    const redis = open(after)
    assert.equal(await redis.blpop('empty', 0.05), null)
    assert.equal(await redis.blpop('empty', 'empty2', 1), null)
    assert.equal(await redis.ping(), 'PONG')
  },
  async 'blpop: push from another client'(after) {
    const [redis, other] = [open(after), open(after)]
    const popped = redis.blpop('queue1', 'queue2', 0)
    const next = redis.get('after-block')
    await until(async () => (await other.client('LIST')).includes('cmd=blpop'))
    await other.set('after-block', 'seen')
    await other.rpush('queue2', 'job')
    assert.deepEqual(await popped, ['queue2', 'job'])
    assert.equal(await next, 'seen')
  },
  async 'blpop: a client that leaves takes nothing'(after) {
    const [gone, other] = [open(after, { retryStrategy: null }), open(after)]
    gone.blpop('left', 0).catch(() => {})
    await until(async () => (await other.info('clients')).includes('blocked_clients:1'))
    gone.disconnect()
    await until(async () => (await other.info('clients')).includes('blocked_clients:0'))
    await other.rpush('left', 'job')
    assert.equal(await other.llen('left'), 1)
  },
  async 'blmove, bzpopmin and brpoplpush'(after) {
    const [redis, other] = [open(after), open(after)]
    const moved = redis.blmove('from', 'to', 'LEFT', 'RIGHT', 5)
    await other.rpush('from', 'x')
    assert.equal(await moved, 'x')
    const least = redis.bzpopmin('zq', 5)
    await other.zadd('zq', 3, 'm')
    assert.deepEqual((await least).map(String), ['zq', 'm', '3'])
    assert.equal(await redis.brpoplpush('to', 'from', 5), 'x')
  },
  async 'xreadgroup block'(after) {
    const [redis, other] = [open(after), open(after)]
    await other.xgroup('CREATE', 'stream', 'g', '$', 'MKSTREAM')
    assert.equal(await redis.xreadgroup('GROUP', 'g', 'c', 'BLOCK', 20, 'STREAMS', 'stream', '>'), null)
    const read = redis.xreadgroup('GROUP', 'g', 'c', 'COUNT', 10, 'BLOCK', 0, 'STREAMS', 'stream', '>')
    await until(async () => (await other.info('clients')).includes('blocked_clients:1'))
    const id = await other.xadd('stream', '*', 'field', 'value')
    assert.ok(JSON.stringify(await read).includes(`"${id}",["field","value"]`))
    assert.equal(await redis.xack('stream', 'g', id), 1)
  },
  async 'subscribe and publish'(after) {
    const [subscriber, other] = [open(after), open(after)]
    const got = []
    subscriber.on('message', (channel, message) => got.push(`${channel}=${message}`))
    assert.equal(await subscriber.subscribe('news', 'sport'), 2)
    assert.equal(await other.publish('news', 'a'), 1)
    assert.equal(await other.publish('sport', 'b'), 1)
    assert.equal(await other.publish('none', 'c'), 0)
    await until(() => got.length === 2)
    assert.deepEqual(got, ['news=a', 'sport=b'])
    assert.equal(await subscriber.unsubscribe('news'), 1)
    assert.equal(await other.publish('news', 'd'), 0)
    assert.equal(await subscriber.unsubscribe(), 0)
    assert.equal(await subscriber.set('usable', 'again'), 'OK')
  },
  async 'pattern subscriptions'(after) {
    const [subscriber, other] = [open(after), open(after)]
    const got = []
    subscriber.on('pmessage', (...parts) => got.push(parts.join(' ')))
    assert.equal(await subscriber.psubscribe('a.*', '*.b'), 2)
    assert.equal(await other.publish('a.b', 'x'), 2)
    await until(() => got.length === 2)
    assert.deepEqual(got.sort(), ['*.b a.b x', 'a.* a.b x'])
    assert.equal(await subscriber.punsubscribe(), 0)
  },
  async 'sharded channels'(after) {
    const [subscriber, other] = [open(after), open(after)]
    const message = once(subscriber, 'smessage')
    assert.equal(await subscriber.ssubscribe('shard'), 1)
    assert.equal(await other.spublish('shard', 'x'), 1)
    assert.deepEqual(await message, ['shard', 'x'])
    assert.equal(await subscriber.sunsubscribe('shard'), 0)
  },
  async 'many subscribers of one channel'(after) {
    const subscribers = Array.from({ length: 20 }, () => open(after))
    const all = subscribers.map(one => once(one, 'message'))
    await Promise.all(subscribers.map(one => one.subscribe('crowd')))
    const other = open(after)
    assert.equal(await other.publish('crowd', 'hi'), 20)
    for (const one of all) assert.deepEqual(await one, ['crowd', 'hi'])
    assert.deepEqual(await other.pubsub('NUMSUB', 'crowd'), ['crowd', 20])
  },
  async 'binary messages'(after) {
    const [subscriber, other] = [open(after), open(after)]
    const message = once(subscriber, 'messageBuffer')
    await subscriber.subscribe('binary')
    await other.publish('binary', bytes(100_000, 3))
    assert.ok(bytes(100_000, 3).equals((await message)[1]))
  },
  async 'keyspace events'(after) {
    const [subscriber, other] = [open(after), open(after)]
    await other.config('SET', 'notify-keyspace-events', 'KEA')
    const message = once(subscriber, 'pmessage')
    await subscriber.psubscribe('__keyevent@0__:set')
    await other.set('watched', 1)
    assert.deepEqual(await message, ['__keyevent@0__:set', '__keyevent@0__:set', 'watched'])
    await other.config('SET', 'notify-keyspace-events', '')
  },
  async 'lua: eval, evalsha, NOSCRIPT'(after) {
    const redis = open(after)
    await redis.script('FLUSH')
    assert.equal(await redis.eval('return KEYS[1]..ARGV[1]', 1, 'k', 'v'), 'kv')
    await assert.rejects(redis.evalsha('0'.repeat(40), 0), /NOSCRIPT/)
    const sha = await redis.script('LOAD', 'return 7')
    assert.equal(await redis.evalsha(sha, 0), 7)
    assert.deepEqual(await redis.script('EXISTS', sha, '0'.repeat(40)), [1, 0])
  },
  async 'lua: defineCommand reloads by itself'(after) {
    const redis = open(after)
    redis.defineCommand('twice', { numberOfKeys: 1, lua: 'return redis.call("INCRBY", KEYS[1], ARGV[1] * 2)' })
    await redis.script('FLUSH')
    assert.equal(await redis.twice('lua-n', 4), 8)
    await redis.script('FLUSH')
    assert.deepEqual(await redis.pipeline().twice('lua-n', 1).exec(), [[null, 10]])
  },
  async functions(after) {
    const redis = open(after)
    const code = "#!lua name=interop\nredis.register_function('answer', function(keys, args) return 42 end)"
    assert.equal(await redis.call('FUNCTION', 'LOAD', 'REPLACE', code), 'interop')
    assert.equal(await redis.call('FCALL', 'answer', '0'), 42)
  },
  async scan(after) {
    const redis = open(after, { db: 3 })
    const pipeline = redis.pipeline()
    for (let i = 0; i < 1_000; i += 1) pipeline.set(`scan:${i}`, i)
    await pipeline.exec()
    const seen = new Set()
    for await (const keys of redis.scanStream({ match: 'scan:*', count: 100 })) for (const key of keys) seen.add(key)
    assert.equal(seen.size, 1_000)
    await redis.flushdb()
  },
  'value of 1 MB': after => roundTrip(open(after), 1 << 20),
  'value of 20 MB': after => roundTrip(open(after), 20 << 20),
  async 'select: databases stay apart'(after) {
    const [zero, five] = [open(after), open(after, { db: 5 })]
    await Promise.all([zero.set('db', 'zero'), five.set('db', 'five')])
    assert.deepEqual([await zero.get('db'), await five.get('db')], ['zero', 'five'])
    await zero.select(5)
    assert.equal(await zero.get('db'), 'five')
    assert.deepEqual(await five.multi().select(0).get('db').select(5).get('db').exec(), [
      [null, 'OK'],
      [null, 'zero'],
      [null, 'OK'],
      [null, 'five'],
    ])
    await assert.rejects(zero.select(10_000), /out of range|invalid DB index/)
    assert.equal(await zero.get('db'), 'five')
  },
  async 'reconnect after CLIENT KILL'(after) {
    const [redis, other] = [open(after, { db: 2, connectionName: 'victim' }), open(after)]
    await redis.set('kept', 'yes')
    const id = await redis.client('ID')
    const again = new Promise(resolve => redis.once('close', () => redis.once('ready', resolve)))
    assert.equal(await other.client('KILL', 'ID', id), 1)
    await again
    assert.equal(await redis.get('kept'), 'yes')
    assert.notEqual(await redis.client('ID'), id)
  },
  async 'resubscribes after CLIENT KILL'(after) {
    const [subscriber, other] = [open(after), open(after)]
    const id = await subscriber.client('ID')
    await subscriber.subscribe('again')
    const ready = new Promise(resolve => subscriber.once('close', () => subscriber.once('ready', resolve)))
    await other.client('KILL', 'ID', id)
    await ready
    const message = once(subscriber, 'message')
    await until(async () => (await other.publish('again', 'x')) === 1)
    assert.deepEqual(await message, ['again', 'x'])
  },
  async monitor(after) {
    const [redis, other] = [open(after), open(after)]
    const monitor = await redis.monitor()
    after(() => monitor.disconnect())
    const seen = new Promise(resolve =>
      monitor.on('monitor', (_time, args) => args[1] === 'monitored' && resolve(args)),
    )
    await other.set('monitored', 'x')
    assert.deepEqual(await seen, ['set', 'monitored', 'x'])
  },
  async '50 clients at once'(after) {
    const clients = Array.from({ length: 50 }, () => open(after))
    await Promise.all(
      clients.map(async (redis, i) => {
        for (let n = 0; n < 20; n += 1) {
          await redis.set(`c${i}`, n)
          assert.equal(await redis.get(`c${i}`), String(n))
        }
      }),
    )
  },
  async 'client reply off and on'(after) {
    const redis = open(after)
    await redis.call('CLIENT', 'NO-EVICT', 'on')
    assert.equal(await redis.call('RESET'), 'RESET')
    assert.equal(await redis.ping(), 'PONG')
  },
  async quit(after) {
    const redis = open(after)
    const ended = once(redis, 'end')
    assert.equal(await redis.quit(), 'OK')
    await ended
  },
})
