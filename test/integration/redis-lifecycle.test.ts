/** Reload and drain with clients at work: live clients move between requests, and nothing that was accepted is lost. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Rig, until } from '../support/portolan.ts'
import type { RedisServer } from '../support/redis-server.ts'
import type { RespClient } from '../support/resp-client.ts'

let a: RedisServer
let b: RedisServer
let directA: RespClient
let directB: RespClient
const rig = new Rig()
beforeEach(async () => {
  ;[a, b] = await Promise.all([rig.redis(), rig.redis()])
  ;[directA, directB] = [await rig.client(a.port), await rig.client(b.port)]
  for (const [direct, name] of [
    [directA, 'a'],
    [directB, 'b'],
  ] as const) {
    await direct.call('SET', 'name', name)
  }
})
afterEach(() => rig.close())

/** Connections of Portolan at a server. */
async function upstreams(direct: RespClient): Promise<number> {
  return String(await direct.call('CLIENT', 'LIST')).split('name=portolan').length - 1
}

describe('reload', () => {
  test('a changed backend moves open clients, whatever they speak and whichever database, and lets go of the old one', async () => {
    const portolan = await rig.portolan(a.port)
    const [two, three, third, inline] = await rig.clients(4, portolan)
    await three!.hello3()
    await third!.call('SELECT', 3)
    await directB.pipeline([
      ['SELECT', 3],
      ['SET', 'name', 'b3'],
      ['SELECT', 0],
    ])
    expect(await two!.call('GET', 'name')).toBe('a')
    expect(await three!.call('GET', 'name')).toBe('a')
    expect(await third!.call('GET', 'name')).toBe(null)
    await portolan.reload({ endpoints: [b.port] })
    inline!.write('GET name\r\n')
    expect(await two!.call('GET', 'name')).toBe('b')
    expect(await three!.call('GET', 'name')).toBe('b')
    expect(await third!.call('GET', 'name')).toBe('b3')
    expect(await inline!.next()).toBe('b')
    await until(async () => (await upstreams(directA)) === 0)
  })

  test('what is in flight ends where it began, and then nothing is left there', async () => {
    const portolan = await rig.portolan(a.port, { graceMs: 60_000 })
    const [blocked, transaction, sleeper] = await rig.clients(3, portolan)
    const popped = blocked!.call('BLPOP', 'list', 0)
    await transaction!.call('WATCH', 'name')
    await transaction!.call('MULTI')
    await transaction!.call('GET', 'name')
    await until(async () => String(await directA.call('INFO', 'clients')).includes('blocked_clients:1'))
    const slept = sleeper!.pipeline([
      ['DEBUG', 'SLEEP', 0.3],
      ['GET', 'name'],
    ])
    await until(() => portolan.metric('portolan_upstream_in_flight') >= 2)
    await portolan.reload({ endpoints: [b.port] })
    expect((await slept)[1]).toBe('a')
    expect(await transaction!.call('EXEC')).toEqual(['a'])
    await directA.call('RPUSH', 'list', 'v')
    expect(await popped).toEqual(['list', 'v'])
    for (const client of [blocked!, transaction!, sleeper!]) expect(await client.call('GET', 'name')).toBe('b')
    // Long before the deadline of the old backend.
    await until(async () => (await upstreams(directA)) === 0)
  })

  test('the end of the process does not wait for the grace of an earlier reload, and leaves nothing behind', async () => {
    const portolan = await rig.portolan(a.port, { graceMs: 600_000 })
    const blocked = await rig.client(portolan)
    const popped = blocked.call('BLPOP', 'list', 0).catch((error: Error) => error)
    await until(async () => String(await directA.call('INFO', 'clients')).includes('blocked_clients:1'))
    await portolan.reload({ endpoints: [b.port] })
    expect(await upstreams(directA)).toBeGreaterThan(0)
    await portolan.app.drain(1)
    expect(String(await popped)).toMatch(/closed/)
    await until(async () => (await upstreams(directA)) === 0)
    expect(portolan.log.filter(({ message }) => message.includes('did not end'))).toEqual([])
  })

  test('a client that always has requests in flight moves too', async () => {
    const portolan = await rig.portolan(a.port, { graceMs: 60_000 })
    const client = await rig.client(portolan)
    // The next is sent before the last is answered: there is never a moment without requests in flight.
    const ask = () => {
      client.send('DEBUG', 'SLEEP', 0.002)
      client.send('GET', 'name')
    }
    ask()
    const answer = async () => {
      ask()
      const [, name] = await client.take(2)
      if (name !== 'a' && name !== 'b') throw new Error(String(name))
      return name
    }
    for (let i = 0; i < 20; i++) expect(await answer()).toBe('a')
    const reloaded = portolan.reload({ endpoints: [b.port] })
    for (let i = 0; (await answer()) !== 'b'; i++) expect(i, 'requests on the old backend').toBeLessThan(1000)
    await reloaded
    for (let i = 0; i < 20; i++) expect(await answer()).toBe('b')
    await until(async () => (await upstreams(directA)) === 0)
  })

  test('subscribers move along and miss nothing that is published afterwards', async () => {
    const portolan = await rig.portolan(a.port)
    const [two, three] = await rig.clients(2, portolan)
    await two!.call('SUBSCRIBE', 'c')
    await two!.call('PSUBSCRIBE', 'p*')
    await three!.hello3()
    three!.send('SUBSCRIBE', 'c')
    three!.send('SSUBSCRIBE', 's')
    await three!.push()
    await three!.push()
    await portolan.reload({ endpoints: [b.port] })
    await until(async () => {
      const counts = (await directB.call('PUBSUB', 'NUMSUB', 'c')) as unknown[]
      return counts[1] === 1 && (await directB.call('PUBSUB', 'NUMPAT')) === 1
    })
    await directB.call('PUBLISH', 'c', 'from b')
    await directB.call('PUBLISH', 'px', 'pattern')
    await directB.call('SPUBLISH', 's', 'shard')
    expect(await two!.next()).toEqual(['message', 'c', 'from b'])
    expect(await two!.next()).toEqual(['pmessage', 'p*', 'px', 'pattern'])
    expect(await three!.push()).toEqual(['message', 'c', 'from b'])
    expect(await three!.push()).toEqual(['smessage', 's', 'shard'])
    expect(await two!.call('UNSUBSCRIBE', 'c')).toEqual(['unsubscribe', 'c', 1])
    await until(async () => (await upstreams(directA)) === 0)
    const publisher = await rig.client(portolan)
    expect(await publisher.call('PUBLISH', 'c', 'x')).toBe(1)
  })

  test('subscribers wait for a backend that was put in service while it was away', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    await client.call('SUBSCRIBE', 'c')
    await b.kill()
    await portolan.reload({ endpoints: [b.port] }, { force: true })
    await until(() => portolan.status().state === 'down')
    await b.restart()
    const direct = await rig.client(b.port)
    await until(async () => ((await direct.call('PUBSUB', 'NUMSUB', 'c')) as unknown[])[1] === 1)
    await direct.call('PUBLISH', 'c', 'm')
    expect(await client.next()).toEqual(['message', 'c', 'm'])
  })

  test('a reload that stays on the same server loses no message', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    await client.call('SUBSCRIBE', 'c')
    const heard = new Set<number>()
    let published = 0
    for (let round = 0; round < 30; round++) {
      let reloading = true
      const reloaded = portolan.reload({ backend: { connectTimeout: `${1000 + round}ms` } }).finally(() => {
        reloading = false
      })
      for (let more = 10; more > 0; more -= reloading ? 0 : 1) await directA.call('PUBLISH', 'c', published++)
      await reloaded
    }
    await until(async () => {
      while (client.unread > 0) heard.add(Number(((await client.next()) as string[])[2]))
      return heard.size === published
    }, `all of ${published} messages`)
  })

  test('clients that WATCH when the backend changes cannot commit on the new one what they read on the old', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    await client.call('WATCH', 'name')
    expect(await client.call('GET', 'name')).toBe('a')
    await portolan.reload({ endpoints: [b.port] })
    await client.pipeline([['MULTI'], ['SET', 'name', 'changed'], ['EXEC']])
    expect(await directB.call('GET', 'name')).toBe('b')
  })

  test('200 reloads under load: no request fails, no client is closed, subscribers hear everything', async () => {
    const portolan = await rig.portolan(a.port, { graceMs: 60_000 })
    await directB.call('SET', 'name', 'a')
    const clients = await rig.clients(6, portolan)
    await clients[5]!.hello3()
    const subscriber = await rig.client(portolan)
    await subscriber.call('SUBSCRIBE', 'c')
    let running = true
    let requests = 0
    const work = clients.map(async (client, n) => {
      for (let i = 0; running; i++) {
        if (n === 0) expect(await client.call('GET', 'name')).toBe('a')
        else if (n === 1) {
          const replies = await client.pipeline([['MULTI'], ['SET', 'x', i], ['GET', 'x'], ['EXEC']])
          expect(replies).toEqual(['OK', 'QUEUED', 'QUEUED', ['OK', `${i}`]])
        } else if (n === 2) {
          for (const [request, reply] of [
            [['MULTI'], 'OK'],
            [['ECHO', i], 'QUEUED'],
            [['EXEC'], [`${i}`]],
          ] as const)
            expect(await client.call(...request)).toEqual(reply)
        } else if (n === 3) {
          expect(await client.call('BLPOP', 'none', 0.001)).toBe(null)
        } else {
          const echoes = Array.from({ length: 20 }, (_, k) => ['ECHO', `${n}.${i}.${k}`] as const)
          expect(await client.pipeline(echoes)).toEqual(echoes.map(([, text]) => text))
        }
        requests++
      }
    })
    for (let i = 1; i <= 200; i++) {
      await portolan.reload({ endpoints: [i % 2 ? b.port : a.port] })
      await Promise.race([Promise.all(work), until(() => requests > i * 5)])
    }
    running = false
    await Promise.all(work)
    expect(portolan.connections()).toBe(7)
    await until(async () => ((await directA.call('PUBSUB', 'NUMSUB', 'c')) as unknown[])[1] === 1)
    await directA.call('PUBLISH', 'c', 'still here')
    expect(await subscriber.next()).toEqual(['message', 'c', 'still here'])
    // The retired backends are gone: one generation's connections are left, on one server.
    await until(async () => (await upstreams(directB)) === 0)
    expect(await upstreams(directA)).toBeLessThan(12)
  })

  test('changed options of the listener apply to clients that are connected already', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    expect(await client.call('DBSIZE')).toBe(1)
    await portolan.reload({ listener: { deny: ['dbsize'] } })
    expect(String(await client.call('DBSIZE'))).toMatch(/NOPERM/)
    await portolan.reload({ listener: {} })
    expect(await client.call('DBSIZE')).toBe(1)
  })

  test('a backend that cannot be reached is refused, and the running one goes on serving', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    const dead = await rig.redis()
    await dead.stop()
    await expect(portolan.reload({ endpoints: [dead.port] })).rejects.toThrow(/refused/)
    expect(await client.call('GET', 'name')).toBe('a')
  })
})

describe('drain', () => {
  test('closes idle clients at once and cleanly, and accepts no new ones', async () => {
    const portolan = await rig.portolan(a.port)
    const clients = await rig.clients(5, portolan)
    for (const client of clients) await client.call('PING')
    await clients[4]!.call('SUBSCRIBE', 'c')
    const drained = portolan.app.drain(10_000)
    for (const client of clients) expect(await client.closed).toBe('end')
    await drained
    await expect(rig.client(portolan)).rejects.toThrow()
    await until(async () => (await upstreams(directA)) === 0)
  })

  test('lets what is in flight finish, replies included', async () => {
    const portolan = await rig.portolan(a.port)
    const [client, pipeline] = await rig.clients(2, portolan)
    await Promise.all([client!.call('PING'), pipeline!.call('PING')])
    const slept = client!.pipeline([
      ['DEBUG', 'SLEEP', 0.3],
      ['GET', 'name'],
    ])
    const replies = pipeline!.pipeline(Array.from({ length: 500 }, (_, i) => ['ECHO', i] as const))
    await until(() => portolan.metric('portolan_upstream_in_flight') >= 2)
    const drained = portolan.app.drain(10_000)
    expect(await slept).toEqual(['OK', 'a'])
    expect(await replies).toHaveLength(500)
    expect(await client!.closed).toBe('end')
    await drained
  })

  test('a transaction in pieces may finish, then the client is closed', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    await client.call('WATCH', 'name')
    await client.call('MULTI')
    await client.call('SET', 'name', 'drained')
    const drained = portolan.app.drain(10_000)
    expect(await client.call('GET', 'name')).toBe('QUEUED')
    expect(await client.call('EXEC')).toEqual(['OK', 'drained'])
    expect(await client.closed).toBe('end')
    await drained
    expect(await directA.call('GET', 'name')).toBe('drained')
  })

  test('half a request may be completed', async () => {
    const portolan = await rig.portolan(a.port)
    const client = await rig.client(portolan)
    await client.call('PING')
    client.write('*2\r\n$3\r\nGET\r\n')
    await until(async () => /qbuf=[1-9]/.test(String(await (await rig.client(portolan)).call('CLIENT', 'LIST'))))
    const drained = portolan.app.drain(10_000)
    client.write('$4\r\nname\r\n')
    expect(await client.next()).toBe('a')
    expect(await client.closed).toBe('end')
    await drained
  })

  test('at the deadline the rest is closed: a blocked client, one that never finishes', async () => {
    const portolan = await rig.portolan(a.port)
    const [blocked, half] = await rig.clients(2, portolan)
    blocked!.send('BLPOP', 'none', 0)
    half!.write('*2\r\n$3\r\nGET\r\n')
    await until(async () => String(await directA.call('INFO', 'clients')).includes('blocked_clients:1'))
    await portolan.app.drain(300)
    await Promise.all([blocked!.closed, half!.closed])
    await until(async () => (await upstreams(directA)) === 0)
  })
})
