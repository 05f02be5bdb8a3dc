/** A relay over its life: connection limit, reload, drain. */
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../../support/manual-clock.ts'
import { closed, Harness, readBytes, until } from './harness.ts'

let harness: Harness
beforeEach(() => {
  harness = new Harness()
})
afterEach(() => harness.close())

test('a connection above the limit is closed, and one that ends makes room', async () => {
  const server = await harness.server()
  await harness.start([server.address], { listener: { maxConnections: 2 } })
  const [first, second] = [await harness.client(), await harness.client()]
  await until(() => harness.listener.status().connections === 2)
  const third = await harness.client()
  await closed(third)
  expect(harness.metric('portolan_downstream_connections_total', { outcome: 'refused' })).toBe(1)
  first.destroy()
  await until(() => harness.listener.status().connections === 1)
  const fourth = await harness.client()
  fourth.write('room')
  expect((await readBytes(fourth, 4)).toString()).toBe('room')
  second.write('still')
  expect((await readBytes(second, 5)).toString()).toBe('still')
})

test('a reload moves new connections to the new backend and leaves the open ones', async () => {
  const [before, after] = [await harness.server(), await harness.server()]
  await harness.start([before.address])
  const old = await harness.client()
  old.write('1')
  await readBytes(old, 1)
  const retired = harness.backend
  harness.backend = harness.createBackend([after.address])
  expect(harness.listener.update(harness.config())).toBe(true)
  const gone = retired.close(60_000)
  const fresh = await harness.client()
  fresh.write('2')
  await readBytes(fresh, 1)
  expect(after.sockets.length).toBe(1)
  old.write('3')
  expect((await readBytes(old, 1)).toString()).toBe('3')
  expect(before.sockets.length).toBe(1)
  old.end()
  await gone
  expect(retired.status().state).toBe('closed')
})

test('a retired backend destroys what is left at its deadline', async () => {
  const clock = new ManualClock()
  harness = new Harness(clock)
  const server = await harness.server()
  await harness.start([server.address])
  const client = await harness.client()
  client.write('x')
  await readBytes(client, 1)
  const end = closed(client)
  const gone = harness.backend.close(5_000)
  clock.advance(5_000)
  await gone
  expect(await end).toBe('ECONNRESET')
})

test('changed limits hold for the listener that is bound; another address needs a new one', async () => {
  const server = await harness.server()
  await harness.start([server.address])
  const open = await harness.client()
  await until(() => harness.listener.status().connections === 1)
  expect(harness.listener.update(harness.config({ maxConnections: 1 }))).toBe(true)
  await closed(await harness.client())
  expect(harness.listener.update({ ...harness.config(), address: { host: '127.0.0.1', port: 1 } })).toBe(false)
  open.write('x')
  await readBytes(open, 1)
})

test('a drain waits for open connections and takes no new ones', async () => {
  const server = await harness.server()
  await harness.start([server.address])
  const client = await harness.client()
  client.write('x')
  await readBytes(client, 1)
  let drained = false
  const drain = harness.listener.drain(60_000).then(() => {
    drained = true
  })
  await expect(harness.client()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  client.write('y')
  await readBytes(client, 1)
  expect(drained).toBe(false)
  client.end()
  await drain
})

test('a drain destroys what is left at its deadline', async () => {
  const clock = new ManualClock()
  harness = new Harness(clock)
  const server = await harness.server()
  await harness.start([server.address])
  const client = await harness.client()
  client.write('x')
  await readBytes(client, 1)
  const end = closed(client)
  const drain = harness.listener.drain(10_000)
  // The listener closes its address first; then it waits.
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  clock.advance(9_999)
  expect(client.destroyed).toBe(false)
  clock.advance(1)
  await drain
  expect(await end).toBe('ECONNRESET')
  expect(server.sockets[0]!.destroyed || (await once(server.sockets[0]!, 'close'))).toBeTruthy()
})

test('a drain ends connections whose backend has not answered yet', async () => {
  // An address of a documentation network: nothing answers, or the system has no route and the relay closes at once.
  await harness.start(['192.0.2.1:9'], { backend: { connectTimeout: '20s' } })
  const client = await harness.client()
  const end = closed(client)
  await harness.listener.drain(0)
  await end
})
