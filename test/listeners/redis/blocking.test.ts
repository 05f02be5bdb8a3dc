/** Commands that keep a connection busy: BLPOP and the like, XREAD BLOCK, WAIT, MONITOR. */
import { describe, expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'

const rig = new RedisRig({ server: { args: ['--repl-diskless-sync-delay', '0', '--hz', '100'] } })

const open = () => rig.client(rig.proxied)
const lent = () => rig.proxied.metric('portolan_upstream_connections', { use: 'exclusive' })

async function blocked(count: number): Promise<void> {
  const pattern = new RegExp(`blocked_clients:${count}\r`)
  await until(async () => pattern.test(String(await rig.direct.call('INFO', 'clients'))), `${count} blocked clients`)
}

describe('blocking', () => {
  test('a blocked client is woken by another client of the same listener, and holds nobody up', async () => {
    const [waiter, pusher] = await Promise.all([open(), open()])
    const popped = waiter.call('BLPOP', 'a', 'b', 0)
    await blocked(1)
    for (let i = 0; i < 20; i++) expect(await pusher.call('ECHO', i)).toBe(`${i}`)
    await pusher.call('RPUSH', 'b', 'v')
    expect(await popped).toEqual(['b', 'v'])
    await until(() => lent() === 0)
  })

  test('what nobody pushes is answered with null at the timeout, in RESP2 and RESP3', async () => {
    const [two, three] = await Promise.all([open(), open()])
    await three.hello3()
    const empty = [
      ['BLPOP', 'x', 0.05],
      ['BRPOP', 'x', 0.05],
      ['BLMOVE', 'x', 'y', 'LEFT', 'RIGHT', 0.05],
      ['BRPOPLPUSH', 'x', 'y', 0.05],
      ['BLMPOP', 0.05, 1, 'x', 'LEFT'],
      ['BZPOPMIN', 'x', 0.05],
      ['BZPOPMAX', 'x', 0.05],
      ['BZMPOP', 0.05, 1, 'x', 'MIN'],
      ['XREAD', 'BLOCK', 50, 'STREAMS', 's', '$'],
    ]
    for (const client of [two, three]) expect(await client.pipeline(empty)).toEqual(empty.map(() => null))
  })

  test('requests behind a blocking one wait for it, and come in order', async () => {
    const [waiter, pusher] = await Promise.all([open(), open()])
    const replies = waiter.pipeline([
      ['ECHO', 'before'],
      ['BLPOP', 'k', 0],
      ['ECHO', 'after'],
      ['CLIENT', 'GETNAME'],
      ['BLPOP', 'k', 0],
      ['INCR', 'n'],
    ])
    await blocked(1)
    await pusher.call('RPUSH', 'k', '1')
    await pusher.call('RPUSH', 'k', '2')
    expect(await replies).toEqual(['before', ['k', '1'], 'after', null, ['k', '2'], 1])
  })

  test('CLIENT LIST shows the command that blocks, not one behind it', async () => {
    const [waiter, other] = await Promise.all([open(), open()])
    const id = await waiter.call('CLIENT', 'ID')
    const replies = waiter.pipeline([
      ['BLPOP', 'k', 0],
      ['GET', 'n'],
    ])
    await blocked(1)
    expect(String(await other.call('CLIENT', 'LIST', 'ID', String(id)))).toMatch(/ flags=b .* cmd=blpop /)
    await other.call('RPUSH', 'k', 'v')
    expect(await replies).toEqual([['k', 'v'], null])
    expect(String(await other.call('CLIENT', 'LIST', 'ID', String(id)))).toMatch(/ flags=N .* cmd=get /)
  })

  test('blocks on the database that the client chose', async () => {
    const [waiter, pusher] = await Promise.all([open(), open()])
    await waiter.call('SELECT', 5)
    const popped = waiter.call('BLPOP', 'k', 0)
    await blocked(1)
    await pusher.call('RPUSH', 'k', 'zero')
    await pusher.call('SELECT', 5)
    await pusher.call('RPUSH', 'k', 'five')
    expect(await popped).toEqual(['k', 'five'])
    await waiter.call('SELECT', 0)
    expect(await waiter.call('BLPOP', 'k', 1)).toEqual(['k', 'zero'])
  })

  test.each(['FIN', 'RST'] as const)(
    'a blocked client that leaves (%s) takes its upstream connection along, and no element is lost',
    async how => {
      const waiters = await rig.clients(5, rig.proxied)
      for (const waiter of waiters) waiter.send('BLPOP', 'k', 0)
      await blocked(5)
      for (const waiter of waiters) {
        if (how === 'FIN') waiter.close()
        else waiter.socket.resetAndDestroy()
      }
      await blocked(0)
      await rig.direct.call('RPUSH', 'k', 'v')
      expect(await rig.direct.call('LPOP', 'k')).toBe('v')
    },
  )

  test('CLIENT UNBLOCK takes the id of a client of ours, with TIMEOUT and ERROR', async () => {
    const [a, b, other] = await rig.clients(3, rig.proxied)
    const ids = [await a!.call('CLIENT', 'ID'), await b!.call('CLIENT', 'ID')] as number[]
    expect(await other!.call('CLIENT', 'UNBLOCK', ids[0]!)).toBe(0)
    const [first, second] = [a!.call('BLPOP', 'k', 0), b!.call('BLPOP', 'k', 0)]
    await blocked(2)
    expect(await other!.call('CLIENT', 'UNBLOCK', ids[0]!)).toBe(1)
    expect(await first).toBe(null)
    expect(await other!.call('CLIENT', 'UNBLOCK', ids[1]!, 'ERROR')).toBe(1)
    expect(await second).toMatchObject({ message: 'UNBLOCKED client unblocked via CLIENT UNBLOCK' })
    expect(await other!.call('CLIENT', 'UNBLOCK', 987654)).toBe(0)
    expect(await a!.call('ECHO', 'x')).toBe('x')
  })

  test('is exempt from the request timeout', async () => {
    const hasty = await rig.portolan(rig.server.port, { backend: { requestTimeout: '100ms' } })
    const client = await rig.client(hasty)
    expect(await client.call('BLPOP', 'k', 1)).toBe(null)
    expect(await client.call('XREAD', 'BLOCK', 800, 'STREAMS', 's', '$')).toBe(null)
  })

  test('the connections of clients that were woken serve the next ones', async () => {
    const [client, pusher] = await Promise.all([open(), open()])
    await client.call('BLPOP', 'k', 0.01)
    const before = rig.proxied.metric('portolan_upstream_connects_total')
    for (let i = 0; i < 50; i++) {
      const popped = client.call('BLPOP', 'k', 0)
      await blocked(1)
      await pusher.call('RPUSH', 'k', i)
      expect(await popped).toEqual(['k', `${i}`])
    }
    expect(rig.proxied.metric('portolan_upstream_connects_total') - before).toBeLessThanOrEqual(2)
  })

  test('more blocked clients than exclusive connections: the last are told, and may try again', async () => {
    const small = await rig.portolan(rig.server.port, {
      backend: { exclusive: { max: 3, spare: 1, waitTimeout: '200ms' } },
    })
    const clients = await rig.clients(4, small)
    for (const client of clients.slice(0, 3)) client.send('BLPOP', 'k', 0)
    await blocked(3)
    expect(String(await clients[3]!.call('BLPOP', 'k', 0))).toMatch(/ERR .*all 3 are in use/)
    await rig.direct.call('RPUSH', 'k', 'a')
    await blocked(2)
    const again = clients[3]!.call('BLPOP', 'k', 0)
    await blocked(3)
    await rig.direct.call('RPUSH', 'k', 'b', 'c', 'd')
    expect(await again).toBeTruthy()
    for (const client of clients.slice(0, 3)) expect(await client.next()).toBeTruthy()
  })

  test('a client that leaves while it waits for an exclusive connection takes no element any more', async () => {
    const small = await rig.portolan(rig.server.port, { backend: { exclusive: { max: 1, spare: 1 } } })
    const [holder, leaver] = await rig.clients(2, small)
    await holder!.call('WATCH', 'w')
    leaver!.send('BLPOP', 'k', 0)
    await until(() => small.metric('portolan_upstream_queue') === 1)
    leaver!.socket.resetAndDestroy()
    await leaver!.closed
    await holder!.call('RPUSH', 'k', 'v')
    await holder!.call('UNWATCH')
    await until(() => small.connections() === 1)
    expect(await holder!.call('BLPOP', 'k', 1)).toEqual(['k', 'v'])
  })
})

describe('streams', () => {
  test('XREAD BLOCK and XREADGROUP BLOCK are woken by XADD', async () => {
    const [reader, member, writer] = await rig.clients(3, rig.proxied)
    await writer!.call('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM')
    const read = reader!.call('XREAD', 'COUNT', 10, 'BLOCK', 0, 'STREAMS', 's', '$')
    const group = member!.call('XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 's', '>')
    await blocked(2)
    const id = await writer!.call('XADD', 's', '*', 'f', 'v')
    const expected = [['s', [[id, ['f', 'v']]]]]
    expect(await read).toEqual(expected)
    expect(await group).toEqual(expected)
  })

  test('XREAD without BLOCK borrows no connection', async () => {
    const client = await open()
    await client.call('XADD', 's', '1-1', 'block', 'BLOCK')
    let borrowed = 0
    const watch = setInterval(() => (borrowed = Math.max(borrowed, lent())), 0)
    for (let i = 0; i < 20; i++) {
      expect(await client.call('XREAD', 'STREAMS', 's', '0')).toEqual([['s', [['1-1', ['block', 'BLOCK']]]]])
    }
    clearInterval(watch)
    expect(borrowed).toBe(0)
  })
})

describe('WAIT', () => {
  test('counts the replicas that have the client’s own writes', async () => {
    const replica = await rig.redis({ args: ['--replicaof', `127.0.0.1 ${rig.server.port}`] })
    await until(async () => String(await rig.direct.call('INFO', 'replication')).includes('state=online'))
    const [client, other] = await Promise.all([open(), open()])
    await client.call('SET', 'k', 'v')
    expect(await client.call('WAIT', 1, 10_000)).toBe(1)
    replica.pause()
    await client.call('SET', 'k', 'w')
    const waiting = client.call('WAIT', 1, 0)
    for (let i = 0; i < 10; i++) expect(await other.call('ECHO', i)).toBe(`${i}`)
    expect(client.unread).toBe(0)
    replica.resume()
    expect(await waiting).toBe(1)
    expect(
      await client.pipeline([
        ['SET', 'k', 'x'],
        ['WAIT', 1, 10_000],
        ['GET', 'k'],
      ]),
    ).toEqual(['OK', 1, 'x'])
    await replica.stop()
    expect(await client.call('WAIT', 1, 20)).toBe(0)
  })

  test('waits for them on a connection that had to be opened first, too', async () => {
    const bare = await rig.portolan(rig.server.port, { backend: { exclusive: { spare: 0 } } })
    const replica = await rig.redis({ args: ['--replicaof', `127.0.0.1 ${rig.server.port}`] })
    await until(async () => String(await rig.direct.call('INFO', 'replication')).includes('state=online'))
    const client = await rig.client(bare)
    replica.pause()
    await client.call('SET', 'k', 'v')
    expect(await client.call('WAIT', 1, 50)).toBe(0)
    replica.resume()
    expect(await client.call('WAIT', 1, 10_000)).toBe(1)
    await replica.stop()
  })
})

describe('MONITOR', () => {
  test('shows what other clients run, until it ends', async () => {
    const [monitor, client] = await Promise.all([open(), open()])
    expect(await monitor.call('MONITOR')).toBe('OK')
    await client.call('SET', 'seen', 'v')
    for (;;) {
      const line = String(await monitor.next())
      if (!line.includes('"seen"')) continue
      expect(line).toMatch(/^\d+\.\d+ \[0 .*\] "SET" "seen" "v"$/)
      break
    }
    monitor.close()
    await until(() => lent() === 0)
    await until(async () => !/flags=O/.test(String(await rig.direct.call('CLIENT', 'LIST'))))
    expect(await client.call('GET', 'seen')).toBe('v')
  })
})
