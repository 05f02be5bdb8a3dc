/** Subscriptions: shared at the backend, exact for each client, whole after a reconnect. */
import { describe, expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'
import type { Reply, RespClient } from '../../support/resp-client.ts'

const rig = new RedisRig()

/** A client of RESP2 or RESP3, and where its messages and acknowledgements come. */
async function subscriber(protocol: number): Promise<[RespClient, () => Promise<Reply>]> {
  const client = await rig.client(rig.proxied)
  if (protocol === 2) return [client, () => client.next()]
  await client.hello3()
  return [client, () => client.push()]
}

async function numsub(channel: string): Promise<unknown> {
  return ((await rig.direct.call('PUBSUB', 'NUMSUB', channel)) as unknown[])[1]
}

describe.each([2, 3])('RESP%d', protocol => {
  test('SUBSCRIBE, PSUBSCRIBE and SSUBSCRIBE are acknowledged with the counts of the client', async () => {
    const [client, next] = await subscriber(protocol)
    client.send('SUBSCRIBE', 'a', 'b', 'a')
    client.send('PSUBSCRIBE', 'p*', 'q?')
    client.send('SSUBSCRIBE', 's1', 's2')
    client.send('UNSUBSCRIBE', 'b', 'never')
    client.send('SUNSUBSCRIBE', 's1')
    client.send('PUNSUBSCRIBE')
    const acks: Reply[] = []
    for (let i = 0; i < 12; i++) acks.push(await next())
    expect(acks).toEqual([
      ['subscribe', 'a', 1],
      ['subscribe', 'b', 2],
      ['subscribe', 'a', 2],
      ['psubscribe', 'p*', 3],
      ['psubscribe', 'q?', 4],
      ['ssubscribe', 's1', 1],
      ['ssubscribe', 's2', 2],
      ['unsubscribe', 'b', 3],
      ['unsubscribe', 'never', 3],
      ['sunsubscribe', 's1', 1],
      expect.arrayContaining(['punsubscribe', 2]),
      expect.arrayContaining(['punsubscribe', 1]),
    ])
    client.send('UNSUBSCRIBE')
    client.send('SUNSUBSCRIBE')
    client.send('UNSUBSCRIBE')
    expect([await next(), await next(), await next()]).toEqual([
      ['unsubscribe', 'a', 0],
      ['sunsubscribe', 's2', 0],
      ['unsubscribe', null, 0],
    ])
    expect(await client.call('PING')).toBe('PONG')
    await until(async () => (await numsub('a')) === 0)
  })

  test('messages of channels, patterns and shard channels come as the server sends them', async () => {
    const [client, next] = await subscriber(protocol)
    const payload = Buffer.from([0, 13, 10, 255, 36, 42]).toString('latin1')
    client.send('SUBSCRIBE', 'news', 'other')
    client.send('PSUBSCRIBE', 'n*s', '*')
    client.send('SSUBSCRIBE', 'shard')
    for (let i = 0; i < 5; i++) await next()
    expect(await rig.direct.call('PUBLISH', 'news', payload)).toBe(3)
    const got = [await next(), await next(), await next()]
    expect(got).toContainEqual(['message', 'news', Buffer.from(payload).toString()])
    expect(got).toContainEqual(['pmessage', 'n*s', 'news', Buffer.from(payload).toString()])
    expect(got).toContainEqual(['pmessage', '*', 'news', Buffer.from(payload).toString()])
    expect(await rig.direct.call('SPUBLISH', 'shard', 'm')).toBe(1)
    expect(await next()).toEqual(['smessage', 'shard', 'm'])
    client.send('PUNSUBSCRIBE', '*')
    await next()
    await rig.direct.call('PUBLISH', 'nobody', 'x')
    await rig.direct.call('PUBLISH', 'other', '')
    expect(await next()).toEqual(['message', 'other', ''])
  })

  test('a subscriber loses nothing and gets everything in the order of publication', async () => {
    const [client, next] = await subscriber(protocol)
    client.send('SUBSCRIBE', 'c')
    await next()
    const publishers = await rig.clients(4, rig.proxied)
    await Promise.all(
      publishers.map((publisher, n) =>
        publisher.pipeline(Array.from({ length: 500 }, (_, i) => ['PUBLISH', 'c', `${n}:${i}`] as const)),
      ),
    )
    const last = [-1, -1, -1, -1]
    for (let i = 0; i < 2000; i++) {
      const [n, sequence] = String(((await next()) as unknown[])[2])
        .split(':')
        .map(Number) as [number, number]
      expect(sequence).toBe(last[n]! + 1)
      last[n] = sequence
    }
  })
})

test('RESP2: a subscriber may only subscribe, ping and leave, in the words of Redis', async () => {
  const [client] = await subscriber(2)
  await client.call('SUBSCRIBE', 'c')
  await rig.direct.call('SUBSCRIBE', 'c')
  for (const command of [
    ['GET', 'k'],
    ['PING'],
    ['PING', 'text'],
    ['NOSUCH'],
    ['MULTI'],
    ['CLIENT', 'ID'],
    ['PING', 'a', 'b'],
  ])
    expect(await client.call(...command), command.join(' ')).toEqual(await rig.direct.call(...command))
  expect(await client.call('UNSUBSCRIBE')).toEqual(['unsubscribe', 'c', 0])
  expect(await client.call('ECHO', 'x')).toBe('x')
  await client.call('SUBSCRIBE', 'c')
  expect(await client.call('RESET')).toBe('RESET')
  expect(await client.call('ECHO', 'x')).toBe('x')
  await client.call('SUBSCRIBE', 'c')
  expect(await client.call('QUIT')).toBe('OK')
  expect(await client.closed).toBe('end')
})

test('RESP3: a subscriber goes on with requests, transactions and blocking commands', async () => {
  const [client] = await subscriber(3)
  client.send('SUBSCRIBE', 'c')
  await client.push()
  const publisher = await rig.client(rig.proxied)
  await rig.direct.call('DEL', 'list', 'k')
  for (let i = 0; i < 50; i++) {
    const [published, replies] = await Promise.all([
      publisher.call('PUBLISH', 'c', i),
      client.pipeline([['INCR', 'k'], ['MULTI'], ['GET', 'k'], ['EXEC'], ['RPUSH', 'list', i], ['BLPOP', 'list', 1]]),
    ])
    expect(published).toBe(1)
    expect(replies).toEqual([i + 1, 'OK', 'QUEUED', [`${i + 1}`], 1, ['list', `${i}`]])
    expect(await client.push()).toEqual(['message', 'c', `${i}`])
  }
})

test('a hundred clients share one subscription at the backend, and the last one to leave ends it', async () => {
  const clients = await Promise.all(Array.from({ length: 100 }, (_, n) => subscriber(n % 2 ? 2 : 3)))
  await Promise.all(
    clients.map(async ([client, next]) => {
      client.send('SUBSCRIBE', 'c')
      client.send('PSUBSCRIBE', 'c*')
      await next()
      await next()
    }),
  )
  expect(await numsub('c')).toBe(1)
  expect(await rig.direct.call('PUBSUB', 'NUMPAT')).toBe(1)
  expect(
    String(await rig.direct.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))
      .trim()
      .split('\n'),
  ).toHaveLength(1)
  expect(rig.proxied.metric('portolan_subscriptions')).toBe(2)
  const publisher = await rig.client(rig.proxied)
  expect(await publisher.call('PUBLISH', 'c', 'm')).toBe(200)
  expect(await publisher.call('PUBLISH', 'cc', 'm')).toBe(100)
  expect(await publisher.call('PUBSUB', 'NUMSUB', 'c', 'none')).toEqual(['c', 100, 'none', 0])
  expect(await publisher.call('PUBSUB', 'CHANNELS')).toEqual(['c'])
  for (const [client, next] of clients) {
    const got = [await next(), await next(), await next()]
    expect(got).toContainEqual(['message', 'c', 'm'])
    expect(got).toContainEqual(['pmessage', 'c*', 'c', 'm'])
    expect(got[2]).toEqual(['pmessage', 'c*', 'cc', 'm'])
    client.close()
  }
  await until(async () => (await numsub('c')) === 0)
  expect(await rig.direct.call('PUBSUB', 'NUMPAT')).toBe(0)
  expect(rig.proxied.metric('portolan_subscriptions')).toBe(0)
})

test('PUBLISH and PUBSUB count clients whatever they speak, for shard channels too', async () => {
  const all = await Promise.all([subscriber(2), subscriber(3), subscriber(3)])
  for (const [client, next] of all) {
    client.send('SUBSCRIBE', 'c')
    client.send('SSUBSCRIBE', 's')
    await next()
    await next()
  }
  const publisher = await rig.client(rig.proxied)
  expect(await publisher.call('SPUBLISH', 's', 'm')).toBe(3)
  expect(await publisher.call('PUBSUB', 'SHARDNUMSUB', 's')).toEqual(['s', 3])
  expect(
    await publisher.pipeline([
      ['PUBLISH', 'c', '1'],
      ['PUBLISH', 'none', '1'],
      ['ECHO', 'x'],
    ]),
  ).toEqual([3, 0, 'x'])
  await publisher.hello3()
  expect(await publisher.call('PUBSUB', 'NUMSUB', 'c')).toEqual(['c', 3])
})

test('subscriptions stand again after the backend has restarted', async () => {
  const own = await rig.redis()
  const through = await rig.portolan(own.port)
  const client = await rig.client(through)
  await client.call('SUBSCRIBE', 'a', 'b')
  await client.next()
  await client.call('PSUBSCRIBE', 'p*')
  await client.call('SSUBSCRIBE', 's')
  await own.kill()
  await own.restart()
  const server = await rig.client(own.port)
  await until(async () => {
    const counts = (await server.call('PUBSUB', 'NUMSUB', 'a', 'b')) as unknown[]
    const shard = (await server.call('PUBSUB', 'SHARDNUMSUB', 's')) as unknown[]
    return counts[1] === 1 && counts[3] === 1 && shard[1] === 1 && (await server.call('PUBSUB', 'NUMPAT')) === 1
  })
  for (const [verb, channel] of [
    ['PUBLISH', 'a'],
    ['PUBLISH', 'b'],
    ['PUBLISH', 'px'],
    ['SPUBLISH', 's'],
  ])
    await server.call(verb!, channel!, 'again')
  expect(await client.take(4)).toEqual([
    ['message', 'a', 'again'],
    ['message', 'b', 'again'],
    ['pmessage', 'p*', 'px', 'again'],
    ['smessage', 's', 'again'],
  ])
})

test('subscribing while the backend is away is refused in Redis’s form, and works when it is back', async () => {
  const own = await rig.redis()
  const through = await rig.portolan(own.port)
  const client = await rig.client(through)
  await client.call('PING')
  await own.kill()
  expect(String(await client.call('SUBSCRIBE', 'c'))).toMatch(/^ReplyError: ERR upstream/)
  await own.restart()
  let reply: Reply = null
  await until(async () => Array.isArray((reply = await client.call('SUBSCRIBE', 'c'))))
  expect(reply).toEqual(['subscribe', 'c', 1])
})

test('a subscriber that never reads is cut at its bound while others go on', async () => {
  const bounded = await rig.portolan(rig.server.port, {
    listener: { subscriberOutputHard: '4MiB', subscriberOutputSoft: '2MiB' },
  })
  const [deaf, good, publisher] = await rig.clients(3, bounded)
  await deaf!.call('SUBSCRIBE', 'c')
  await good!.call('SUBSCRIBE', 'c')
  deaf!.socket.pause()
  const message = 'x'.repeat(64 * 1024)
  let published = 0
  while (bounded.connections() === 3) {
    expect(published).toBeLessThan(2000)
    await publisher!.call('PUBLISH', 'c', message)
    expect(await good!.next()).toEqual(['message', 'c', message])
    published++
  }
  expect(
    bounded.log.filter(line => line.level === 'warn' && line['reason'] === 'subscriber does not keep up'),
  ).toHaveLength(1)
  expect(await publisher!.call('PUBLISH', 'c', 'small')).toBe(1)
  expect(await good!.next()).toEqual(['message', 'c', 'small'])
})

test('large messages reach every subscriber whole, between the replies of a busy RESP3 client', async () => {
  const [client] = await subscriber(3)
  client.send('SUBSCRIBE', 'big')
  await client.push()
  await rig.direct.call('SET', 'value', 'v'.repeat(300_000))
  const publisher = await rig.client(rig.proxied)
  const message = 'm'.repeat(700_000)
  const [replies] = await Promise.all([
    client.pipeline(Array.from({ length: 40 }, () => ['GET', 'value'] as const)),
    publisher.pipeline(Array.from({ length: 10 }, () => ['PUBLISH', 'big', message] as const)),
  ])
  for (const reply of replies) expect((reply as string).length).toBe(300_000)
  for (let i = 0; i < 10; i++) expect(((await client.push()) as string[])[2]?.length).toBe(700_000)
})

test('SUBSCRIBE inside a transaction acts on the client', async () => {
  const [client] = await subscriber(2)
  await client.call('MULTI')
  expect(await client.call('SUBSCRIBE', 'c')).toBe('QUEUED')
  client.send('EXEC')
  expect(await client.next()).toEqual([['subscribe', 'c', 1]])
  await rig.direct.call('PUBLISH', 'c', 'm')
  expect(await client.next()).toEqual(['message', 'c', 'm'])
})

test('a client that leaves before its subscription is acknowledged leaves none behind', async () => {
  const [client] = await subscriber(2)
  await client.call('SUBSCRIBE', 'first')
  await rig.direct.call('CLIENT', 'PAUSE', 1000, 'ALL')
  client.send('SUBSCRIBE', 'second')
  await until(() => rig.proxied.metric('portolan_subscriptions') === 2)
  client.close()
  await until(() => rig.proxied.connections() === 0)
  await until(() => rig.proxied.metric('portolan_subscriptions') === 0)
})

test.each([2, 3] as const)(
  'SUBSCRIBE inside a transaction counts with what was subscribed before: RESP%i',
  async protocol => {
    const [client] = await subscriber(protocol)
    const other = await rig.client(rig.proxied)
    await client.pipeline([['MULTI'], ['SUBSCRIBE', 'c']])
    client.send('EXEC')
    expect(await client.next()).toEqual([['subscribe', 'c', 1]])
    expect(rig.proxied.metric('portolan_upstream_connections', { use: 'exclusive' })).toBe(0)
    expect(await other.call('PUBLISH', 'c', 'm')).toBe(1)
    const message = protocol === 3 ? client.push() : client.next()
    expect(await message).toEqual(['message', 'c', 'm'])
  },
)
