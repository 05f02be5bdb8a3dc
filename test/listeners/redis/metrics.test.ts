/** What the listener tells of itself is true. */
import { expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'

const rig = new RedisRig({ proxied: false })

test('requests are counted by command and outcome, exactly those sent, forwarded in whatever way', async () => {
  const portolan = await rig.portolan(rig.server.port, { listener: { deny: ['flushall'] } })
  const clients = await rig.clients(5, portolan)
  await clients[4]!.hello3()
  await clients[3]!.call('SELECT', 3)
  for (const client of clients) {
    await client.pipeline(Array.from({ length: 20 }, (_, i) => ['SET', `k${i}`, 'v'] as const))
    await client.pipeline(Array.from({ length: 30 }, (_, i) => ['GET', `k${i}`] as const))
    await client.pipeline([['LPUSH', 'k1', 'x'], ['INCR', 'k1'], ['NOSUCH'], ['OTHER.MODULE'], ['FLUSHALL']])
    await client.pipeline([['MULTI'], ['INCR', 'n'], ['GET', 'n'], ['EXEC']])
    await client.call('WATCH', 'w')
    await client.call('UNWATCH')
    await client.call('BLPOP', 'none', 0.01)
    client.write('ECHO inline\r\n')
    await client.next()
  }
  expect(portolan.requests()).toMatchObject({
    'set ok': 100,
    'get ok': 155,
    'lpush error': 5,
    'incr error': 5,
    'incr ok': 5,
    'unknown error': 10,
    'flushall refused': 5,
    'multi ok': 5,
    'exec ok': 5,
    'watch ok': 5,
    'unwatch ok': 5,
    'blpop ok': 5,
    'echo ok': 5,
  })
})

test('requests that Portolan answers itself are counted too', async () => {
  const portolan = await rig.portolan(rig.server.port)
  const client = await rig.client(portolan)
  await client.call('CLIENT', 'ID')
  await client.call('CLIENT', 'SETNAME', 'a b')
  await client.call('SELECT', 2)
  await client.call('HELLO', 3)
  client.send('SUBSCRIBE', 'c')
  await client.push()
  const counts = portolan.requests()
  expect(counts).toMatchObject({ 'select ok': 1, 'hello ok': 1, 'subscribe ok': 1 })
  const clients = Object.entries(counts).filter(([key]) => key.startsWith('client'))
  expect(clients.reduce((sum, [, value]) => sum + value, 0)).toBe(2)
})

test('a request that was lost or came too late is counted under its own command', async () => {
  const own = await rig.redis()
  const portolan = await rig.portolan(own.port, { backend: { requestTimeout: '100ms' } })
  const client = await rig.client(portolan)
  await client.call('SET', 'k', 'v')
  own.pause()
  expect(String(await client.call('GET', 'k'))).toMatch(/timeout/)
  expect(portolan.requests()).toEqual({ 'set ok': 1, 'get timeout': 1 })
  const incr = client.call('INCR', 'n')
  await until(() => portolan.metric('portolan_upstream_in_flight') >= 1)
  await own.kill()
  expect(String(await incr)).toMatch(/ERR upstream/)
  expect(portolan.requests()).toMatchObject({ 'set ok': 1, 'get timeout': 1 })
  const { 'incr lost': lost = 0, 'incr timeout': late = 0, 'incr unavailable': unavailable = 0 } = portolan.requests()
  expect(lost + late + unavailable).toBe(1)
  await until(async () => String(await client.call('STRLEN', 'k')).includes('unavailable'))
  expect(portolan.requests()['strlen unavailable']).toBeGreaterThanOrEqual(1)
})

test('the duration histogram holds every request that a backend answered, in the right bucket', async () => {
  const portolan = await rig.portolan(rig.server.port)
  const client = await rig.client(portolan)
  await client.pipeline(Array.from({ length: 50 }, () => ['SET', 'k', 'v'] as const))
  await client.call('DEBUG', 'SLEEP', 0.15)
  const samples = [...portolan.metrics.read('portolan_request_duration_seconds')].filter(sample => 'counts' in sample)
  const of = (operation: string) => samples.find(sample => sample.labels['operation'] === operation)!
  const sum = (counts: ArrayLike<number>) => Array.from(counts).reduce((total, count) => total + count, 0)
  expect(sum(of('set').counts)).toBe(50)
  expect(sum(of('debug').counts)).toBe(1)
  // Above 0.1 s.
  expect(sum(Array.from(of('debug').counts).slice(11))).toBe(1)
  expect(of('debug').sum).toBeGreaterThanOrEqual(0.15)
})

test('slow requests are logged with command, duration and client, and counted; fast ones are not', async () => {
  const portolan = await rig.portolan(rig.server.port, { listener: { slowLog: '100ms' } })
  const client = await rig.client(portolan)
  await client.call('SET', 'secret-key', 'secret-value')
  await client.call('DEBUG', 'SLEEP', 0.15)
  const lines = portolan.log.filter(line => line.message === 'slow request')
  expect(lines).toEqual([
    expect.objectContaining({
      listener: 'main',
      command: expect.stringMatching(/^debug/),
      client: await client.call('CLIENT', 'ID'),
    }),
  ])
  expect(lines[0]!['durationMs']).toBeGreaterThanOrEqual(150)
  expect(portolan.metric('portolan_slow_requests_total')).toBe(1)
  expect(JSON.stringify(portolan.log)).not.toContain('secret')
})

test('when all requests are slow, all are counted and some are logged', async () => {
  const portolan = await rig.portolan(rig.server.port, { listener: { slowLog: '100ms' } })
  const client = await rig.client(portolan)
  await client.pipeline([['DEBUG', 'SLEEP', 0.15], ...Array.from({ length: 99 }, () => ['PING'])])
  expect(portolan.metric('portolan_slow_requests_total')).toBe(100)
  const lines = portolan.log.filter(line => line.message === 'slow request').length
  expect(lines).toBeGreaterThanOrEqual(10)
  // Twice as many if the listener's second ended in between.
  expect(lines).toBeLessThanOrEqual(20)
})

test('connections, bytes and protocol errors are counted', async () => {
  const portolan = await rig.portolan(rig.server.port)
  const [a, b] = await rig.clients(2, portolan)
  const value = 'v'.repeat(10_000)
  await a!.call('SET', 'k', value)
  await a!.call('GET', 'k')
  b!.write('*1\r\n+PING\r\n')
  await b!.closed
  expect(portolan.metric('portolan_downstream_connections_total', { outcome: 'accepted' })).toBe(2)
  await until(() => portolan.metric('portolan_downstream_connections') === 1)
  expect(portolan.metric('portolan_protocol_errors_total', { side: 'downstream' })).toBe(1)
  a!.close()
  await until(() => portolan.metric('portolan_downstream_connections') === 0)
  const sent = a!.socket.bytesRead + b!.socket.bytesRead
  const received = a!.socket.bytesWritten + b!.socket.bytesWritten
  await until(() => portolan.metric('portolan_downstream_bytes_total', { direction: 'sent' }) === sent)
  expect(portolan.metric('portolan_downstream_bytes_total', { direction: 'received' })).toBe(received)
})

test('the gauges of the backend show what is in flight, borrowed, spare and queued', async () => {
  const portolan = await rig.portolan(rig.server.port, { backend: { exclusive: { max: 2, spare: 1 } } })
  const [a, b, c] = await rig.clients(3, portolan)
  await a!.call('PING')
  expect(portolan.metric('portolan_upstream_up')).toBe(1)
  expect(portolan.metric('portolan_upstream_connections', { use: 'shared' })).toBe(1)
  await until(() => portolan.metric('portolan_upstream_connections', { use: 'spare' }) === 1)
  a!.send('BLPOP', 'x', 0)
  b!.send('BLPOP', 'x', 0)
  await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 2)
  c!.send('BLPOP', 'x', 0)
  await until(() => portolan.metric('portolan_upstream_queue') === 1)
  await rig.direct.call('RPUSH', 'x', '1', '2', '3')
  await Promise.all([a!.next(), b!.next(), c!.next()])
  await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  expect(portolan.metric('portolan_upstream_queue')).toBe(0)
  expect(portolan.metric('portolan_upstream_in_flight')).toBe(0)
})
