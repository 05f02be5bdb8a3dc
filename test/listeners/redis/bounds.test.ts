/** Bounds: of memory, of time and of number; who breaks one is dealt with alone. */
import { describe, expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'
import { type RespClient, request } from '../../support/resp-client.ts'

const MIB = 1024 * 1024

const rig = new RedisRig({ proxied: false })

describe('connections', () => {
  test('one client too many is told so and closed, and its place is free again when another leaves', async () => {
    const portolan = await rig.portolan(rig.server.port, { listener: { maxConnections: 3 } })
    const clients = await rig.clients(3, portolan)
    for (const client of clients) await client.call('PING')
    const extra = await rig.client(portolan)
    expect(await extra.next()).toMatchObject({ message: 'ERR max number of clients reached' })
    expect(await extra.closed).toBe('end')
    expect(portolan.metric('portolan_downstream_connections_total', { outcome: 'refused' })).toBe(1)
    clients[0]!.close()
    await until(() => portolan.connections() === 2)
    expect(await (await rig.client(portolan)).call('PING')).toBe('PONG')
  })

  test('a thousand idle clients cost two connections at the backend, and each is served', async () => {
    const portolan = await rig.portolan(rig.server.port, { backend: { exclusive: { spare: 0 } } })
    const clients: RespClient[] = []
    for (let i = 0; i < 10; i++) clients.push(...(await rig.clients(100, portolan)))
    await until(() => portolan.connections() === 1000)
    expect(await Promise.all(clients.map((client, i) => client.call('ECHO', i)))).toEqual(clients.map((_, i) => `${i}`))
    const own = String(await rig.direct.call('CLIENT', 'LIST'))
      .trim()
      .split('\n')
    // One of them is the direct client.
    expect(own.length - 1).toBeLessThanOrEqual(2)
    for (const client of clients) client.close()
    await until(() => portolan.connections() === 0)
  })

  test('an idle client is closed after the idle timeout; a busy one, a blocked one and a subscriber are not', async () => {
    const portolan = await rig.portolan(rig.server.port, { listener: { idleTimeout: '500ms' } })
    const [idle, busy, blocked, subscriber] = await rig.clients(4, portolan)
    await idle!.call('PING')
    blocked!.send('BLPOP', 'k', 0)
    await subscriber!.call('SUBSCRIBE', 'c')
    let closed = false
    void idle!.closed.then(() => (closed = true))
    await until(async () => (await busy!.call('PING')) === 'PONG' && closed)
    await rig.direct.call('RPUSH', 'k', 'v')
    expect(await blocked!.next()).toEqual(['k', 'v'])
    await rig.direct.call('PUBLISH', 'c', 'm')
    expect(await subscriber!.next()).toEqual(['message', 'c', 'm'])
  })

  test.each([
    ['half a request', '*2\r\n$3\r\nGET\r\n$1'],
    ['half an inline line', 'GET '],
    ['half of a large value', `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n${'x'.repeat(500_000)}`],
  ])('a client that stops in %s is closed after the request timeout, others are not', async (_, bytes) => {
    const portolan = await rig.portolan(rig.server.port, { listener: { requestTimeout: '500ms' } })
    const [slow, other] = await rig.clients(2, portolan)
    slow!.write(bytes)
    await slow!.closed
    expect(await other!.call('GET', 'k')).toBe(null)
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  })

  test('a client that sends a request byte by byte, without a pause, is served', async () => {
    const portolan = await rig.portolan(rig.server.port)
    const client = await rig.client(portolan)
    for (const byte of request('SET', 'k', 'byte by byte')) {
      client.write(Uint8Array.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(await client.next()).toBe('OK')
    expect(await client.call('GET', 'k')).toBe('byte by byte')
  })
})

describe('a client that does not read', () => {
  test('1,000 GETs of 1 MiB: memory stays bounded and others are served', async () => {
    // Redis copies a gigabyte before it greets anybody.
    const portolan = await rig.portolan(rig.server.port, {
      listener: { writeTimeout: '60s' },
      backend: { connectTimeout: '30s' },
    })
    await rig.direct.call('SET', 'big', 'x'.repeat(MIB))
    const [deaf, other] = await rig.clients(2, portolan)
    await other!.call('SET', 'k', 'v')
    const before = process.memoryUsage().rss
    deaf!.socket.pause()
    deaf!.write(Buffer.concat(Array.from({ length: 1000 }, () => request('GET', 'big'))))
    await until(() => portolan.metric('portolan_upstream_in_flight') > 0)
    // What is held stays; what a collector that comes late has left, goes: the lowest of many looks tells them apart.
    let held = Number.POSITIVE_INFINITY
    for (let i = 0; i < 300; i++) {
      expect(await other!.call('GET', 'k')).toBe('v')
      if (i >= 100) held = Math.min(held, process.memoryUsage().rss)
    }
    expect((held - before) / MIB).toBeLessThan(64)
    expect(other!.isClosed).toBe(false)
    // It may still have all of its replies, if it reads at last.
    deaf!.socket.resume()
    for (let i = 0; i < 3; i++) expect(((await deaf!.next()) as string).length).toBe(MIB)
  })

  test('is closed once it has read nothing for the write timeout, and its upstream is not left stuck', async () => {
    const portolan = await rig.portolan(rig.server.port, { listener: { writeTimeout: '500ms' } })
    await rig.direct.call('SET', 'big', 'x'.repeat(MIB))
    const [deaf, other] = await rig.clients(2, portolan)
    for (const client of [deaf!, other!]) await client.call('PING')
    deaf!.socket.pause()
    deaf!.write(Buffer.concat(Array.from({ length: 200 }, () => request('GET', 'big'))))
    await until(() => portolan.connections() === 1)
    expect(
      portolan.log.some(line => line.message === 'client closed' && line['reason'] === 'client does not read'),
    ).toBe(true)
    for (let i = 0; i < 10; i++) expect(((await other!.call('GET', 'big')) as string).length).toBe(MIB)
    await until(() => portolan.metric('portolan_upstream_in_flight') === 0)
  })

  test('holds those whose replies are behind its own up no longer than the grace', async () => {
    const portolan = await rig.portolan(rig.server.port, { listener: { slowClientGrace: '200ms' } })
    await rig.direct.call('SET', 'big', 'x'.repeat(MIB))
    const [deaf, ...others] = await rig.clients(6, portolan)
    for (const other of others) await other.call('PING')
    deaf!.socket.pause()
    deaf!.write(Buffer.concat(Array.from({ length: 100 }, () => request('GET', 'big'))))
    // In the same turn of the event loop, so that they are behind it on the same connection.
    const replies = others.map((other, i) => other.call('ECHO', i))
    expect(await Promise.all(replies)).toEqual(['0', '1', '2', '3', '4'])
    await Promise.all(others.map(other => other.call('ECHO', 'again')))
  })

  test('a backend that does not read pauses the clients instead of filling memory, and all goes on afterwards', async () => {
    const own = await rig.redis()
    const portolan = await rig.portolan(own.port)
    const clients = await rig.clients(4, portolan)
    for (const client of clients) await client.call('PING')
    own.pause()
    const before = process.memoryUsage().rss
    const value = 'v'.repeat(100_000)
    for (const client of clients) for (let i = 0; i < 400; i++) client.send('SET', `k${i}`, value)
    // Until nothing moves any more.
    let moved = -1
    for (let still = 0; still < 40; ) {
      const now = clients.reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0)
      still = now === moved ? still + 1 : 0
      moved = now
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    const waiting = clients.reduce((sum, { socket }) => sum + socket.writableLength, 0)
    expect(waiting / MIB).toBeGreaterThan(50)
    // 150 MiB wait at the clients themselves, which live in this process as well.
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(260)
    own.resume()
    for (const client of clients) for (const reply of await client.take(400)) expect(reply).toBe('OK')
  })
})

describe('large values', () => {
  test('a large value is stored and read through, among other requests of the same client', async () => {
    const portolan = await rig.portolan(rig.server.port)
    const client = await rig.client(portolan)
    for (const size of [200_000, 262_144, 300_000, 1_000_000, 20_000_000]) {
      const value = Buffer.alloc(size, `${size} `)
      const replies = await client.pipeline([
        ['SET', 'small', 'v'],
        ['SET', 'big', value],
        ['STRLEN', 'big'],
        ['ECHO', 'between'],
        ['GETRANGE', 'big', size - 10, -1],
        ['APPEND', 'big', value],
        ['GET', 'small'],
      ])
      expect(replies).toEqual(['OK', 'OK', size, 'between', value.subarray(-10).toString(), 2 * size, 'v'])
      expect(Buffer.from((await client.call('GET', 'big')) as string).equals(Buffer.concat([value, value]))).toBe(true)
    }
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  })

  test('a request with many arguments and several large ones passes whole', async () => {
    const portolan = await rig.portolan(rig.server.port)
    const client = await rig.client(portolan)
    const values = Array.from({ length: 2000 }, (_, i) => 'v'.repeat(i % 100 === 7 ? 400_000 : i % 50))
    expect(await client.pipeline([['RPUSH', 'list', ...values]])).toEqual([2000])
    expect(await client.call('LRANGE', 'list', 0, -1)).toEqual(values)
    const many = Array.from({ length: 100_000 }, (_, i) => i)
    expect(await client.pipeline([['RPUSH', 'many', ...many]])).toEqual([100_000])
  })

  test('large values of many clients at the same time, also inside transactions', async () => {
    const portolan = await rig.portolan(rig.server.port)
    const clients = await rig.clients(8, portolan)
    await Promise.all(
      clients.map(async (client, n) => {
        const value = String(n).repeat(2_000_000)
        for (let i = 0; i < 3; i++) {
          const replies = await client.pipeline([
            ['MULTI'],
            ['SET', `k${n}`, value],
            ['STRLEN', `k${n}`],
            ['EXEC'],
            ['GET', `k${n}`],
          ])
          expect(replies.slice(0, 4)).toEqual(['OK', 'QUEUED', 'QUEUED', ['OK', 2_000_000]])
          expect(replies[4] === value).toBe(true)
        }
      }),
    )
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  })

  test('a client that leaves in the middle of a large value takes its upstream connection along', async () => {
    const portolan = await rig.portolan(rig.server.port)
    const [leaver, other] = await rig.clients(2, portolan)
    leaver!.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10000000\r\n${'x'.repeat(1_000_000)}`)
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 1)
    leaver!.close()
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
    for (let i = 0; i < 5; i++)
      expect(await other!.pipeline([['WATCH', 'k'], ['GET', 'k'], ['UNWATCH']])).toEqual(['OK', null, 'OK'])
  })

  test.each([
    ['a subscriber', ['SUBSCRIBE', 'c'], /^ReplyError: ERR Can't execute 'config\|set'/],
    ['a listener that denies it', ['PING'], /^ReplyError: NOPERM/],
  ] as const)('the beginning of a large request is refused: %s', async (_, first, refusal) => {
    const portolan = await rig.portolan(rig.server.port, { listener: { deny: ['config|set'] } })
    const client = await rig.client(portolan)
    await client.call(...first)
    client.write(`*6\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$400000\r\n${'x'.repeat(300_000)}`)
    expect(String(await client.next())).toMatch(refusal)
    await client.closed
  })

  test.each(['AUTH', 'SUBSCRIBE', 'WATCH', 'CLIENT'])(
    'a large %s is refused: nothing of it reaches a connection',
    async name => {
      const portolan = await rig.portolan(rig.server.port)
      const client = await rig.client(portolan)
      client.write(`*2\r\n$${name.length}\r\n${name}\r\n$400000\r\n${'x'.repeat(300_000)}`)
      expect(String(await client.next())).toMatch(/too large for this listener/)
      await client.closed
    },
  )

  test('a value beyond 512 MiB is refused at its header', async () => {
    const portolan = await rig.portolan(rig.server.port)
    const client = await rig.client(portolan)
    client.write(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${512 * MIB + 1}\r\n`)
    expect(await client.next()).toMatchObject({ message: 'ERR Protocol error: invalid bulk length' })
    expect(await client.closed).toBe('end')
  })
})
