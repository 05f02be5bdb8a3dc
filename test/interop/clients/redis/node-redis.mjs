// node-redis as an application uses it, with its defaults or with the RESP version of INTEROP_RESP.
import assert from 'node:assert/strict'
import { cases, load, until } from '../cases.mjs'
import { authPort, host, port } from './address.mjs'

const { createClient, createClientPool, RESP_TYPES, WatchError } = load('redis')
const resp = process.env.INTEROP_RESP ? { RESP: Number(process.env.INTEROP_RESP) } : {}

async function open(after, { socket, ...options } = {}) {
  const client = createClient({ ...resp, socket: { host, port, ...socket }, ...options })
  client.on('error', () => {})
  after(() => client.destroy())
  return client.connect()
}

async function roundTrip(client, length) {
  const value = Buffer.alloc(length, Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 7) & 255)))
  const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
  await client.set('big', value)
  const [first, none, second] = await Promise.all([raw.get('big'), client.get('small'), raw.get('big')])
  assert.ok(value.equals(first) && none === null && value.equals(second))
}

await cases({
  async connect(after) {
    const client = await open(after)
    assert.equal(await client.ping(), 'PONG')
    assert.match(await client.info('server'), /redis_version:/)
  },
  async 'connect with name'(after) {
    const client = await open(after, { name: 'interop' })
    assert.equal(await client.clientGetName(), 'interop')
    assert.equal((await client.clientInfo()).name, 'interop')
    assert.ok((await client.clientList()).some(one => one.name === 'interop'))
  },
  async hello(after) {
    const client = await open(after)
    const reply = await client.hello()
    assert.equal(reply.server, 'redis')
    assert.equal(reply.mode, 'standalone')
    assert.equal(reply.id, await client.clientId())
  },
  async 'password of the default user'(after) {
    const client = await open(after, { socket: { port: authPort }, password: 'secret' })
    assert.equal(await client.set('k', 'v'), 'OK')
  },
  async 'user and password'(after) {
    const client = await open(after, { socket: { port: authPort }, username: 'app', password: 'app-secret' })
    assert.equal(await client.set('k', 'v'), 'OK')
  },
  async 'wrong password'(after) {
    const socket = { port: authPort, reconnectStrategy: false }
    await assert.rejects(open(after, { socket, password: 'wrong' }), /WRONGPASS/)
  },
  async 'no password'(after) {
    const socket = { port: authPort, reconnectStrategy: false }
    await assert.rejects(
      open(after, { socket }).then(client => client.get('k')),
      /NOAUTH/,
    )
  },
  async strings(after) {
    const client = await open(after)
    assert.equal(await client.set('s', 'ä\r\n\0'), 'OK')
    assert.equal(await client.get('s'), 'ä\r\n\0')
    assert.equal(await client.incrBy('n', 41), 41)
    assert.deepEqual(await client.mGet(['s', 'missing', 'n']), ['ä\r\n\0', null, '41'])
    assert.equal(await client.set('s', 'x', { PX: 10_000, NX: true }), null)
    assert.equal(Number(await client.pExpire('s', 5_000)), 1)
  },
  async 'other types'(after) {
    const client = await open(after)
    await client.hSet('h', { a: 1, b: 2 })
    assert.deepEqual({ ...(await client.hGetAll('h')) }, { a: '1', b: '2' })
    await client.zAdd('z', [
      { score: 1.5, value: 'one' },
      { score: Infinity, value: 'two' },
    ])
    assert.equal(await client.zScore('z', 'one'), 1.5)
    assert.deepEqual(
      (await client.zRangeWithScores('z', 0, -1)).map(one => one.score),
      [1.5, Infinity],
    )
    await client.sAdd('set', ['x', 'y'])
    assert.deepEqual([...(await client.sMembers('set'))].sort(), ['x', 'y'])
    assert.equal(Object.keys(await client.configGet('maxmemory')).length, 1)
    assert.equal(await client.objectEncoding('n'), 'int')
    assert.ok((await client.commandCount()) > 200)
  },
  async errors(after) {
    const client = await open(after)
    await client.rPush('list', 'a')
    await assert.rejects(client.get('list'), /WRONGTYPE/)
    await assert.rejects(
      client.sendCommand(['NOSUCH', 'a']),
      /ERR unknown command 'NOSUCH', with args beginning with: 'a'/,
    )
    await assert.rejects(client.sendCommand(['GET']), /wrong number of arguments for 'get' command/)
    assert.equal(await client.ping(), 'PONG')
  },
  async 'pipeline of 1000'(after) {
    const client = await open(after)
    const replies = await Promise.all(
      Array.from({ length: 2_000 }, (_, i) => (i % 2 === 0 ? client.set(`p${i}`, i) : client.get(`p${i - 1}`))),
    )
    for (const [i, value] of replies.entries()) assert.equal(value, i % 2 === 0 ? 'OK' : String(i - 1))
    const batch = client.multi()
    for (let i = 0; i < 1_000; i += 1) batch.incr('batch')
    assert.equal((await batch.execAsPipeline()).at(-1), 1_000)
  },
  async 'multi and exec'(after) {
    const client = await open(after)
    assert.deepEqual(await client.multi().set('m', 1).incr('m').get('m').exec(), ['OK', 2, '2'])
  },
  async 'multi with an error inside'(after) {
    const client = await open(after)
    await client.set('m', 'text')
    const error = await client
      .multi()
      .incr('m')
      .get('m')
      .exec()
      .then(
        () => assert.fail(),
        error => error,
      )
    assert.match(error.replies[0].message, /not an integer/)
    assert.equal(error.replies[1], 'text')
    await assert.rejects(client.multi().addCommand(['SET', 'm']).exec(), /EXECABORT|wrong number/)
    assert.equal(await client.get('m'), 'text')
  },
  async 'watch: a conflict'(after) {
    const [client, other] = [await open(after), await open(after)]
    await client.watch('w')
    await other.set('w', 2)
    await assert.rejects(client.multi().set('w', 3).exec(), WatchError)
    assert.equal(await client.get('w'), '2')
    await client.watch('w')
    assert.deepEqual(await client.multi().set('w', 3).exec(), ['OK'])
  },
  async 'watch: optimistic loops in a pool'(after) {
    const pool = createClientPool({ ...resp, socket: { host, port } }, { minimum: 1, maximum: 5 })
    pool.on('error', () => {})
    after(() => pool.destroy())
    await pool.connect()
    const step = () =>
      pool.execute(async client => {
        for (;;) {
          try {
            await client.watch('counter')
            const next = Number(await client.get('counter')) + 1
            return await client.multi().set('counter', next).exec()
          } catch (error) {
            if (!(error instanceof WatchError)) throw error
          }
        }
      })
    await Promise.all(Array.from({ length: 50 }, step))
    assert.equal(await pool.get('counter'), '50')
  },
  async 'blpop: timeout, then a push'(after) {
    const [client, other] = [await open(after), await open(after)]
    assert.equal(await client.blPop('empty', 0.05), null)
    const popped = client.blPop(['q1', 'q2'], 0)
    const next = client.get('after-block')
    await until(async () => (await other.info('clients')).includes('blocked_clients:1'))
    await other.set('after-block', 'seen')
    await other.rPush('q2', 'job')
    assert.deepEqual({ ...(await popped) }, { key: 'q2', element: 'job' })
    assert.equal(await next, 'seen')
  },
  async 'xreadgroup block'(after) {
    const [client, other] = [await open(after), await open(after)]
    await other.xGroupCreate('stream', 'g', '$', { MKSTREAM: true })
    const from = { key: 'stream', id: '>' }
    assert.equal(await client.xReadGroup('g', 'c', from, { BLOCK: 20 }), null)
    const read = client.xReadGroup('g', 'c', from, { BLOCK: 0, COUNT: 10 })
    await until(async () => (await other.info('clients')).includes('blocked_clients:1'))
    const id = await other.xAdd('stream', '*', { field: 'value' })
    assert.ok(JSON.stringify(await read).includes(id))
    assert.equal(await client.xAck('stream', 'g', id), 1)
    assert.equal((await client.xInfoStream('stream')).length, 1)
  },
  async 'subscribe and publish'(after) {
    const [subscriber, other] = [await open(after), await open(after)]
    const got = []
    await subscriber.subscribe(['news', 'sport'], (message, channel) => got.push(`${channel}=${message}`))
    await subscriber.pSubscribe('n*', (message, channel) => got.push(`n* ${channel}=${message}`))
    assert.equal(await other.publish('news', 'a'), 2)
    assert.equal(await other.publish('sport', 'b'), 1)
    await until(() => got.length === 3)
    assert.deepEqual(got.sort(), ['n* news=a', 'news=a', 'sport=b'])
    await subscriber.unsubscribe('news')
    await subscriber.pUnsubscribe('n*')
    assert.equal(await other.publish('news', 'c'), 0)
    await subscriber.unsubscribe()
    assert.equal(String(await subscriber.set('usable', 'again')), 'OK')
  },
  async 'sharded channels'(after) {
    const [subscriber, other] = [await open(after), await open(after)]
    const message = new Promise(resolve => subscriber.sSubscribe('shard', (...got) => resolve(got)))
    await until(async () => (await other.sPublish('shard', 'x')) === 1)
    assert.deepEqual(await message, ['x', 'shard'])
    await subscriber.sUnsubscribe('shard')
    assert.equal(await other.sPublish('shard', 'x'), 0)
  },
  async 'commands while subscribed, in RESP3'(after) {
    const [subscriber, other] = [await open(after, { RESP: 3 }), await open(after)]
    const got = []
    await subscriber.subscribe('mixed', message => got.push(message))
    for (let i = 0; i < 50; i += 1) {
      const [count] = await Promise.all([
        other.publish('mixed', String(i)),
        subscriber.set('mixed', i),
        subscriber.get('mixed'),
      ])
      assert.equal(count, 1)
    }
    await until(() => got.length === 50)
    assert.equal(await subscriber.publish('mixed', 'self'), 1)
    await until(() => got.at(-1) === 'self')
  },
  async 'client-side cache, in RESP3'(after) {
    const clientSideCache = { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' }
    const [client, other] = [await open(after, { RESP: 3, clientSideCache }), await open(after)]
    await other.set('cached', '1')
    assert.equal(await client.get('cached'), '1')
    assert.equal(await client.get('cached'), '1')
    await other.set('cached', '2')
    await until(async () => (await client.get('cached')) === '2')
  },
  async 'lua: eval, evalsha, NOSCRIPT'(after) {
    const client = await open(after)
    await client.scriptFlush()
    const options = { keys: ['k'], arguments: ['v'] }
    assert.equal(await client.eval('return KEYS[1]..ARGV[1]', options), 'kv')
    await assert.rejects(client.evalSha('0'.repeat(40)), /NOSCRIPT/)
    const sha = await client.scriptLoad('return 7')
    assert.equal(await client.evalSha(sha), 7)
  },
  async scan(after) {
    const client = await open(after, { database: 3 })
    await client.mSet(Array.from({ length: 1_000 }, (_, i) => [`scan:${i}`, String(i)]))
    const seen = new Set()
    for await (const keys of client.scanIterator({ MATCH: 'scan:*', COUNT: 100 }))
      for (const key of [keys].flat()) seen.add(key)
    assert.equal(seen.size, 1_000)
    await client.flushDb()
  },
  'value of 1 MB': async after => roundTrip(await open(after), 1 << 20),
  'value of 20 MB': async after => roundTrip(await open(after), 20 << 20),
  async 'select: databases stay apart'(after) {
    const [zero, five] = [await open(after), await open(after, { database: 5 })]
    await Promise.all([zero.set('db', 'zero'), five.set('db', 'five')])
    assert.deepEqual([await zero.get('db'), await five.get('db')], ['zero', 'five'])
    await zero.select(5)
    assert.equal(await zero.get('db'), 'five')
  },
  async 'reconnect after CLIENT KILL'(after) {
    const [client, other] = [await open(after, { database: 2, name: 'victim' }), await open(after)]
    await client.set('kept', 'yes')
    const id = await client.clientId()
    const again = new Promise(resolve => client.once('ready', resolve))
    assert.equal(await other.clientKill({ filter: 'ID', id }), 1)
    await again
    assert.equal(await client.get('kept'), 'yes')
    assert.equal(await client.clientGetName(), 'victim')
  },
  async 'resubscribes after CLIENT KILL'(after) {
    const [subscriber, other] = [await open(after), await open(after)]
    const id = await subscriber.clientId()
    const got = []
    await subscriber.subscribe('again', message => got.push(message))
    await other.clientKill({ filter: 'ID', id })
    await until(async () => (await other.publish('again', 'x')) === 1)
    await until(() => got.length > 0)
  },
  async monitor(after) {
    const [client, other] = [await open(after), await open(after)]
    const seen = new Promise(resolve => client.monitor(line => line.includes('"monitored"') && resolve(line)))
    await until(async () => {
      await other.set('monitored', 'x')
      return Promise.race([seen, new Promise(resolve => setTimeout(resolve, 50))])
    })
    assert.match(await seen, /^\d+\.\d{6} \[0 .*\] "SET" "monitored" "x"$/)
  },
  async '50 clients at once'(after) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => open(after)))
    await Promise.all(
      clients.map(async (client, i) => {
        for (let n = 0; n < 20; n += 1) {
          await client.set(`c${i}`, n)
          assert.equal(await client.get(`c${i}`), String(n))
        }
      }),
    )
  },
  async 'reset and close'(after) {
    const client = await open(after)
    await client.select(4)
    await client.reset()
    assert.equal(await client.ping(), 'PONG')
    await client.close()
    assert.equal(client.isOpen, false)
  },
})
