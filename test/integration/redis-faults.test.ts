/** What breaks between Portolan and a backend: each fault reaches only the requests it must, as an error in Redis's form. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Cut, FaultProxy } from '../support/fault-proxy.ts'
import { type Portolan, Rig, until } from '../support/portolan.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type RespClient, request } from '../support/resp-client.ts'

let redis: RedisServer
const rig = new Rig()
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())
afterEach(() => rig.close())

const LOST = 'ERR upstream connection lost before the reply came; the command may have been executed'

/** A listener whose backend is behind a proxy, warmed up so that no further connection is made by itself. */
async function behindProxy(options: Parameters<Rig['portolan']>[1] = {}): Promise<[Portolan, FaultProxy, RespClient]> {
  const direct = await rig.client(redis.port)
  await direct.call('FLUSHALL')
  const proxy = await rig.proxy(redis)
  const portolan = await rig.portolan(proxy.port, options)
  const client = await rig.client(portolan)
  await client.call('PING')
  await spares(portolan)
  return [portolan, proxy, client]
}

/** Waits until the spare connections are there: their handshake is not what a test wants to be cut. */
function spares(portolan: Portolan): Promise<void> {
  return until(() => portolan.metric('portolan_upstream_connections', { use: 'spare' }) === 2)
}

/** Waits until the client is served again. */
async function served(client: RespClient): Promise<void> {
  await until(async () => (await client.call('ECHO', 'served')) === 'served')
}

describe('a pipeline of 100', () => {
  test.each(['fin', 'reset'] as const)(
    'whose backend dies at reply 37 (%s): 37 replies, then errors in order, and the client stays',
    async cut => {
      const own = await rig.redis()
      const proxy = await rig.proxy(own)
      const portolan = await rig.portolan(proxy.port)
      const [client, other] = await rig.clients(2, portolan)
      await client!.call('SET', 'k', 'x'.repeat(90))
      const died = proxy.cutAfter(37 * 97, cut).then(() => own.kill())
      const replies = await client!.pipeline(Array.from({ length: 100 }, () => ['GET', 'k'] as const))
      expect(replies.slice(0, 37)).toEqual(Array(37).fill('x'.repeat(90)))
      for (const reply of replies.slice(37)) expect(reply).toMatchObject({ message: LOST })
      await died
      expect(String(await other!.call('GET', 'k'))).toMatch(/ERR upstream/)
      await own.restart()
      await served(client!)
      await served(other!)
    },
  )

  test('in which the backend dies, together with those of other clients: nobody gets another’s reply', async () => {
    const [portolan, proxy] = await behindProxy()
    const clients = await rig.clients(10, portolan)
    await Promise.all(clients.map(client => client.call('PING')))
    const cut = proxy.cutAfter(5000, 'reset')
    await Promise.all(
      clients.map(async (client, n) => {
        const replies = await client.pipeline(Array.from({ length: 100 }, (_, i) => ['ECHO', `client ${n} echo ${i}`]))
        const whole = replies.findIndex(reply => typeof reply !== 'string')
        const count = whole < 0 ? 100 : whole
        expect(replies.slice(0, count)).toEqual(Array.from({ length: count }, (_, i) => `client ${n} echo ${i}`))
        for (const reply of replies.slice(count)) expect(String(reply)).toMatch(/ERR upstream/)
      }),
    )
    await cut
    for (const client of clients) await served(client)
  })
})

describe('half a reply', () => {
  test.each(['fin', 'reset'] as const)(
    'that is short, then %s: an error in its place, and the client stays',
    async cut => {
      const [, proxy, client] = await behindProxy()
      await client.call('SET', 'k', 'value of the key')
      void proxy.cutAfter(10, cut)
      client.send('GET', 'k')
      client.send('CLIENT', 'SETNAME', 'x')
      // On a machine that stops for a moment the request has gone on to a fresh connection, and the cut meets that one.
      const message = expect.stringMatching(/^ERR upstream (connection lost|unavailable)/)
      expect(await client.take(2)).toMatchObject([{ message }, 'OK'])
      await served(client)
    },
  )

  test.each(['fin', 'reset'] as const)(
    'that is long and has begun to leave, then %s: the client is closed, never given a whole reply',
    async cut => {
      const [portolan, proxy, client] = await behindProxy()
      const other = await rig.client(portolan)
      await other.call('SET', 'k', 'x'.repeat(1_000_000))
      void proxy.cutAfter(500_000, cut)
      client.send('GET', 'k')
      await client.closed
      expect(client.unread).toBe(0)
      expect(client.socket.bytesRead).toBeLessThan(500_010)
      await served(other)
    },
  )

  test('then silence: an error after the deadline, neighbours behind it too, and all are served again', async () => {
    const [portolan, proxy, client] = await behindProxy({ backend: { requestTimeout: '300ms' } })
    const other = await rig.client(portolan)
    await client.call('SET', 'k', 'value of the key')
    void proxy.cutAfter(10, 'silence')
    // At once: a connection that is stuck for a moment takes no more requests.
    client.send('GET', 'k')
    other.send('GET', 'k')
    expect(String(await client.next())).toMatch(/ERR upstream timeout/)
    expect(String(await other.next())).toMatch(/ERR upstream timeout/)
    await served(client)
    await served(other)
    expect(await other.call('GET', 'k')).toBe('value of the key')
  })

  test('of a long value, then silence: its client is closed after the deadline, the others are served', async () => {
    const [portolan, proxy, client] = await behindProxy({ backend: { requestTimeout: '300ms' } })
    const other = await rig.client(portolan)
    await other.call('SET', 'k', 'x'.repeat(1_000_000))
    void proxy.cutAfter(500_000, 'silence')
    client.send('GET', 'k')
    await client.closed
    await served(other)
  })

  test.each(['fin', 'reset'] as const)(
    'inside a transaction in pieces, then %s: EXEC fails and nothing ran twice',
    async cut => {
      const [, proxy, client] = await behindProxy()
      await client.call('SET', 'n', 10)
      await client.call('WATCH', 'w')
      await client.call('MULTI')
      void proxy.cutAfter(3, cut)
      expect(await client.call('INCR', 'n')).toMatchObject({ message: LOST })
      expect(await client.call('INCR', 'n')).toBe('QUEUED')
      expect(String(await client.call('EXEC'))).toMatch(/EXECABORT/)
      await served(client)
      expect(await client.call('GET', 'n')).toBe('10')
    },
  )

  test('of a reply that a blocked client waits for: an error, not a hang', async () => {
    const [portolan, proxy, client] = await behindProxy()
    client.send('BLPOP', 'k', 0)
    const direct = await rig.client(redis.port)
    await until(async () => String(await direct.call('INFO', 'clients')).includes('blocked_clients:1'))
    await spares(portolan)
    void proxy.cutAfter(5, 'fin')
    await direct.call('RPUSH', 'k', 'v')
    expect(await client.next()).toMatchObject({ message: LOST })
    await served(client)
  })

  test('of MONITOR, or what is no reply at all: that connection ends, the listener does not', async () => {
    const [portolan, proxy, client] = await behindProxy()
    expect(await client.call('MONITOR')).toBe('OK')
    void proxy.cutAfter(5, 'fin')
    const other = await rig.client(portolan)
    void other.call('PING').catch(() => {})
    await client.closed
    await served(await rig.client(portolan))
  })
})

describe('deadlines', () => {
  test('a stalled command answers its own client only; its late reply goes to nobody, and the rest is in order', async () => {
    const [portolan, , client] = await behindProxy({ backend: { requestTimeout: '400ms' } })
    const others = await rig.clients(3, portolan)
    await Promise.all(others.map(other => other.call('PING')))
    const direct = await rig.client(redis.port)
    const [stalled, behind] = await client.pipeline([
      ['DEBUG', 'SLEEP', 1],
      ['ECHO', 'behind'],
    ])
    expect(String(stalled)).toMatch(/ERR upstream timeout/)
    // It is on the same connection, behind the one that stalls.
    expect(String(behind)).toMatch(/ERR upstream timeout/)
    await direct.call('PING')
    for (let i = 0; i < 20; i++) {
      expect(await client.call('ECHO', `own ${i}`)).toBe(`own ${i}`)
      expect(await Promise.all(others.map((other, n) => other.call('ECHO', `${n} ${i}`)))).toEqual(
        others.map((_, n) => `${n} ${i}`),
      )
    }
  })

  test('a stalled command on an exclusive connection ends that one only', async () => {
    const [portolan, , client] = await behindProxy({ backend: { requestTimeout: '400ms' } })
    await client.call('WATCH', 'k')
    expect(String(await client.call('DEBUG', 'SLEEP', 1))).toMatch(/ERR upstream/)
    expect(String(await client.pipeline([['MULTI'], ['SET', 'k', 'v'], ['EXEC']]))).toMatch(/EXECABORT/)
    await served(client)
    expect(await client.call('GET', 'k')).toBe(null)
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  })
})

describe('a backend that hangs', () => {
  test('SIGSTOP under load: the other listener goes on as before, the clients are told, and all is well afterwards', async () => {
    const hanging = await rig.redis()
    const portolan = await rig.portolans({
      main: { endpoints: [hanging.port], backend: { requestTimeout: '300ms' } },
      healthy: { endpoints: [redis.port] },
    })
    const stuck = await rig.clients(5, portolan)
    const healthy = await Promise.all(Array.from({ length: 5 }, () => rig.client({ port: portolan.port('healthy') })))
    let running = true
    const errors: string[] = []
    const load = stuck.map(async (client, n) => {
      for (let i = 0; running; i++) {
        for (const [at, reply] of (
          await client.pipeline([
            ['ECHO', `${n}.${i}`],
            ['INCR', 'n'],
          ])
        ).entries()) {
          if (reply instanceof Error) errors.push(reply.message)
          else if (at === 0) expect(reply).toBe(`${n}.${i}`)
        }
      }
    })
    await until(() => portolan.metric('portolan_requests_total', { listener: 'main' }) > 500)
    hanging.pause()
    await until(async () => {
      const [client] = healthy
      expect(await client!.call('ECHO', 'fine')).toBe('fine')
      return errors.length >= 10
    })
    await Promise.all(
      healthy.map(async (client, n) => {
        for (let i = 0; i < 100; i++) expect(await client.call('ECHO', `${n}.${i}`)).toBe(`${n}.${i}`)
      }),
    )
    for (const error of errors) expect(error).toMatch(/^ERR upstream/)
    hanging.resume()
    const told = errors.length
    await until(async () => (await (await rig.client(portolan)).call('ECHO', 'back')) === 'back')
    running = false
    await Promise.all(load)
    for (const client of stuck) await served(client)
    expect(told).toBeGreaterThan(0)
    expect(portolan.connections()).toBeGreaterThanOrEqual(5)
  })

  test('that hangs while it is being connected to: what has gathered by then is served, and all that follows', async () => {
    const own = await rig.redis()
    own.pause()
    const portolan = await rig.portolan(own.port, { backend: { connectTimeout: '15s' } })
    const clients = await rig.clients(3, portolan)
    const value = 'v'.repeat(50_000)
    for (const client of clients) for (let i = 0; i < 100; i++) client.send('SET', `k${i}`, value)
    await until(() => portolan.metric('portolan_upstream_in_flight') > 20)
    own.resume()
    for (const client of clients) expect(await client.take(100)).toEqual(Array(100).fill('OK'))
  })

  test.each([
    [200, 100_000],
    [3000, 1000],
  ])('that dies while clients wait for it to read %d values of %d bytes: all are answered', async (count, size) => {
    const own = await rig.redis()
    const portolan = await rig.portolan(own.port)
    const clients = await rig.clients(4, portolan)
    for (const client of clients) await client.call('PING')
    own.pause()
    const value = 'v'.repeat(size)
    for (const client of clients) for (let i = 0; i < count; i++) client.send('SET', `k${i}`, value)
    await until(() => portolan.metric('portolan_upstream_in_flight') > 20)
    await own.kill()
    for (const client of clients) {
      const replies = (await client.take(count)).map(String)
      // Some may have been served on the way out.
      const done = replies.lastIndexOf('OK') + 1
      expect(replies.slice(0, done)).toEqual(Array(done).fill('OK'))
      expect(done).toBeLessThan(count)
      for (const reply of replies.slice(done)) expect(reply).toMatch(/ERR upstream/)
    }
    await own.restart()
    for (const client of clients) await served(client)
  })
})

describe('a backend that is away', () => {
  test('at the start: the listener is bound, clients are told at once, and served when it comes', async () => {
    const own = await rig.redis()
    await own.kill()
    const portolan = await rig.portolan(own.port)
    const client = await rig.client(portolan)
    for (let i = 0; i < 5; i++) expect(String(await client.call('GET', 'k'))).toMatch(/ERR upstream unavailable/)
    expect(String(await client.call('WATCH', 'k'))).toMatch(/ERR upstream unavailable/)
    expect(String(await client.call('BLPOP', 'k', 0))).toMatch(/ERR upstream unavailable/)
    expect(await client.call('CLIENT', 'GETNAME')).toBe(null)
    await until(() => portolan.status().state === 'down')
    expect(portolan.status().lastError).toMatch(/refused/i)
    await own.restart()
    await served(client)
    expect(portolan.status()).toMatchObject({ state: 'up', endpoints: [{ state: 'up' }] })
    expect(await client.call('WATCH', 'k')).toBe('OK')
  })

  test('is told to a pipeline in order, local replies in between', async () => {
    const own = await rig.redis()
    await own.kill()
    const portolan = await rig.portolan(own.port)
    const client = await rig.client(portolan)
    const replies = await client.pipeline([
      ['GET', 'a'],
      ['CLIENT', 'SETNAME', 'x'],
      ['MULTI'],
      ['SET', 'k', 'v'],
      ['EXEC'],
      ['CLIENT', 'GETNAME'],
      ['GET', 'b'],
    ])
    for (const at of [0, 2, 3, 4, 6]) expect(String(replies[at]), `reply ${at}`).toMatch(/ERR upstream|EXECABORT/)
    expect([replies[1], replies[5]]).toEqual(['OK', 'x'])
  })

  test('for a long time: the circuit opens, shows in the status, and closes when it is back', async () => {
    const own = await rig.redis()
    const portolan = await rig.portolan(own.port)
    const client = await rig.client(portolan)
    await client.call('PING')
    await own.kill()
    await until(async () => {
      await client.call('PING')
      return portolan.status().endpoints[0]!.state === 'open-circuit'
    })
    expect(portolan.status()).toMatchObject({ state: 'down', lastError: expect.stringMatching(/\w/) })
    const attempts = () => portolan.metric('portolan_upstream_connects_total', { outcome: 'failed' })
    const before = attempts()
    for (let i = 0; i < 200; i++) expect(String(await client.call('PING'))).toMatch(/ERR upstream unavailable/)
    expect(attempts() - before).toBeLessThanOrEqual(3)
    await own.restart()
    await served(client)
    expect(portolan.status()).toMatchObject({ state: 'up', endpoints: [{ state: 'up' }] })
    expect(portolan.metric('portolan_upstream_up')).toBe(1)
  })

  test('for less than the hold time: nobody notices but by the wait', async () => {
    const own = await rig.redis()
    const portolan = await rig.portolan(own.port, { backend: { holdTime: '10s' } })
    const client = await rig.client(portolan)
    await client.call('PING')
    await own.kill()
    await until(() => portolan.status().state !== 'up')
    const replies = client.pipeline([
      ['SET', 'k', 'v'],
      ['GET', 'k'],
      ['CLIENT', 'GETNAME'],
      ['INCR', 'n'],
    ])
    await own.restart()
    expect(await replies).toEqual(['OK', 'v', null, 1])
  })

  test('for longer than the hold time: an error then, however far off the next attempt is', async () => {
    const own = await rig.redis()
    await own.kill()
    const portolan = await rig.portolan(own.port, { backend: { holdTime: '300ms' } })
    const client = await rig.client(portolan)
    for (let i = 0; i < 4; i++) {
      const started = performance.now()
      expect(String(await client.call('GET', 'k'))).toMatch(/ERR upstream unavailable/)
      const waited = performance.now() - started
      expect(waited).toBeGreaterThanOrEqual(250)
      expect(waited).toBeLessThan(8000)
    }
    await own.restart()
    await served(client)
  })

  test('on the first of two endpoints: the second serves', async () => {
    const first = await rig.redis()
    const portolan = await rig.portolans({ main: { endpoints: [first.port, redis.port] } })
    const client = await rig.client(portolan)
    expect(String(await client.call('INFO', 'server'))).toContain(`tcp_port:${first.port}`)
    await first.kill()
    await served(client)
    expect(String(await client.call('INFO', 'server'))).toContain(`tcp_port:${redis.port}`)
  })

  test('and accepts but never answers: an error within the connect timeout', async () => {
    const proxy = await rig.proxy(redis)
    proxy.silence()
    const portolan = await rig.portolan(proxy.port, { backend: { connectTimeout: '300ms' } })
    const client = await rig.client(portolan)
    expect(String(await client.call('GET', 'k'))).toMatch(/ERR upstream/)
    expect(portolan.status().state).toBe('down')
  })

  test.each(['fin', 'reset', 'silence'] as Cut[])(
    'in the middle of the handshake (%s): another attempt succeeds',
    async cut => {
      const proxy = await rig.proxy(redis)
      void proxy.cutAfter(20, cut)
      const portolan = await rig.portolan(proxy.port, { backend: { connectTimeout: '300ms' } })
      await served(await rig.client(portolan))
    },
  )
})

describe('a client that leaves', () => {
  test('with requests in flight shifts nobody’s replies', async () => {
    const [portolan] = await behindProxy()
    const stayers = await rig.clients(5, portolan)
    let running = true
    const staying = stayers.map(async (client, n) => {
      for (let i = 0; running; i++) {
        const replies = await client.pipeline([
          ['ECHO', `${n}.${i}`],
          ['ECHO', 'x'.repeat(i % 2000)],
          ['INCR', `n${n}`],
        ])
        expect(replies).toEqual([`${n}.${i}`, 'x'.repeat(i % 2000), i + 1])
      }
    })
    for (let i = 0; i < 100; i++) {
      const leaver = await rig.client(portolan)
      leaver.write(Buffer.concat(Array.from({ length: 50 }, (_, n) => request('ECHO', `leaver ${i} ${n}`))))
      if (i % 3 === 0) leaver.write('*2\r\n$3\r\nGET\r\n$10\r\nhal')
      if (i % 3 === 1) await leaver.next()
      if (i % 2) leaver.socket.resetAndDestroy()
      else leaver.close()
    }
    running = false
    await Promise.all(staying)
    await until(() => portolan.connections() === 6)
  })
})
