/** Several endpoints: which one is chosen, what happens to dead ones, and how they come back. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Intake, RelayBuffers } from '../../../src/net/index.ts'
import { closed, echo, Harness, readBytes, TestServer, until } from '../../listeners/tcp/harness.ts'
import { ManualClock } from '../../support/manual-clock.ts'

let harness: Harness
let clock: ManualClock
beforeEach(() => {
  clock = new ManualClock()
  harness = new Harness(clock)
})
afterEach(() => harness.close())

/** A connection that has proved to work. */
async function exchange(): Promise<Awaited<ReturnType<Harness['client']>>> {
  const client = await harness.client()
  client.write('x')
  await readBytes(client, 1)
  return client
}

const states = (): string[] => harness.backend.status().endpoints.map(endpoint => endpoint.state)

describe('choice', () => {
  test('the endpoint with the fewest connections', async () => {
    const [a, b] = [await harness.server(), await harness.server()]
    await harness.start([a.address, b.address])
    for (let i = 0; i < 4; i++) await exchange()
    expect([a.sockets.length, b.sockets.length]).toEqual([2, 2])
    // Those of a end; all new ones go there until it has as many.
    for (const socket of a.sockets) socket.resetAndDestroy()
    await until(() => harness.listener.status().connections === 2)
    await until(() => harness.backend.status().endpoints[0]!.connections === 0)
    await exchange()
    await exchange()
    expect([a.sockets.length, b.sockets.length]).toEqual([4, 2])
  })

  test('connection counts do not drift', async () => {
    const dead = await harness.server()
    dead.close()
    const alive = await harness.server()
    await harness.start([dead.address, alive.address])
    for (let i = 0; i < 20; i++) (await exchange()).destroy()
    await until(() => harness.listener.status().connections === 0)
    await until(() => harness.backend.status().endpoints.every(endpoint => endpoint.connections === 0))
  })
})

test('while one endpoint is dead, every connection is served by the others', async () => {
  const dead = await harness.server()
  dead.close()
  const [b, c] = [await harness.server(), await harness.server()]
  await harness.start([dead.address, b.address, c.address])
  for (let i = 0; i < 30; i++) await exchange()
  expect(b.sockets.length + c.sockets.length).toBe(30)
  // Five failures open its circuit; from then on it is not even tried.
  expect(harness.metric('portolan_upstream_connects_total', { outcome: 'upstream-refused' })).toBe(5)
  expect(states()).toEqual(['open-circuit', 'up', 'up'])
})

test('an endpoint that comes back is tried once, and then used again', async () => {
  const dead = await harness.server()
  const { port } = dead
  dead.close()
  const alive = await harness.server()
  await harness.start([dead.address, alive.address])
  for (let i = 0; i < 12; i++) await exchange()
  expect(states()[0]).toBe('open-circuit')
  const revived = new TestServer(echo)
  await revived.listen(port)
  clock.advance(1_001)
  await exchange()
  expect(revived.sockets.length).toBe(1)
  expect(states()).toEqual(['up', 'up'])
  await exchange()
  expect(revived.sockets.length).toBe(2)
  revived.close()
})

test('when all circuits are open the answer is immediate and says why', async () => {
  const dead = await harness.server()
  dead.close()
  await harness.start([dead.address])
  const failures: string[] = []
  const open = (): Promise<void> =>
    new Promise(resolve => {
      const request = { source: undefined, destination: undefined, intake: new Intake(new RelayBuffers()) }
      harness.backend.open(request, {
        onOpen: () => resolve(),
        onFailed: error => {
          failures.push(error.code)
          expect(error.message).toContain('connection refused')
          expect(error.retryable).toBe(true)
          resolve()
        },
      })
    })
  for (let i = 0; i < 7; i++) await open()
  expect(failures).toEqual([...new Array(5).fill('upstream-refused'), ...new Array(2).fill('upstream-unavailable')])
  expect(harness.backend.status()).toMatchObject({ state: 'down' })
})

describe('health checks', () => {
  const healthCheck = { interval: '1s', timeout: '5s', unhealthyAfter: 2, healthyAfter: 2 }

  test('take an endpoint out after some failures and bring it back after some successes', async () => {
    let a = new TestServer(echo)
    await a.listen()
    const { port, address } = a
    const b = await harness.server()
    await harness.start([address, b.address], { backend: { healthCheck } })
    await until(() => states().every(state => state === 'up'))
    a.close()
    // The first failed check is known, and does not yet decide.
    clock.advance(1_000)
    await until(() => harness.backend.status().endpoints[0]!.lastError?.includes('refused') === true)
    expect(states()).toEqual(['up', 'up'])
    await until(() => {
      clock.advance(1_000)
      return states()[0] === 'down'
    })
    expect(harness.backend.status().state).toBe('up')
    expect(harness.metric('portolan_upstream_up')).toBe(1)
    const taken = b.sockets.length
    await exchange()
    await exchange()
    expect(b.sockets.length).toBeGreaterThanOrEqual(taken + 2)
    a = new TestServer(echo)
    await a.listen(port)
    await until(() => {
      clock.advance(1_000)
      return states()[0] === 'up'
    })
    expect(a.sockets.length).toBeGreaterThanOrEqual(2)
    a.close()
  })

  test('all down is told, and connections are still tried', async () => {
    const gone = await harness.server()
    const { port, address } = gone
    gone.close()
    await harness.start([address], { backend: { healthCheck } })
    expect(harness.backend.status().state).toBe('connecting')
    await until(() => harness.backend.status().state === 'down')
    expect(harness.metric('portolan_upstream_up')).toBe(0)
    const back = new TestServer(echo)
    await back.listen(port)
    await exchange()
    back.close()
  })
})

test('a probe reports each endpoint', async () => {
  const dead = await harness.server()
  dead.close()
  const alive = await harness.server()
  await harness.start([alive.address, dead.address, 'no.such.host.invalid:1'])
  const report = await harness.backend.probe(5_000)
  expect(report.ok).toBe(true)
  expect(report.endpoints.map(({ ok, failure }) => [ok, failure?.stage])).toEqual([
    [true, undefined],
    [false, 'connect'],
    [false, 'resolve'],
  ])
  for (const { failure } of report.endpoints.slice(1)) expect(failure?.next).toBeTruthy()
})

test('a backend that is closed opens nothing', async () => {
  const server = await harness.server()
  await harness.start([server.address])
  await harness.backend.close(0)
  // The reset may come before the application knows that it is connected.
  await harness.client().then(closed, () => {})
  expect(server.sockets.length).toBe(0)
})
