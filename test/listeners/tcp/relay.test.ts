/** The relay with real sockets: every byte in order, half-close both ways, back-pressure, and how things end. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { wasReset } from '../../../src/net/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { closed, Harness, readAll, readBytes, until, untilStalled } from './harness.ts'

let harness: Harness
beforeEach(() => {
  harness = new Harness()
})
afterEach(() => harness.close())

const MIB = 1024 * 1024

test('bytes pass both ways, and the end with them', async () => {
  const server = await harness.server()
  await harness.start([server.address])
  const client = await harness.client()
  client.end('hello')
  expect((await readAll(client)).toString()).toBe('hello')
  await until(() => harness.listener.status().connections === 0)
  expect(harness.metric('portolan_downstream_bytes_total', { direction: 'received' })).toBe(5)
  expect(harness.metric('portolan_downstream_bytes_total', { direction: 'sent' })).toBe(5)
  expect(harness.metric('portolan_downstream_connections')).toBe(0)
  await until(() => harness.metric('portolan_upstream_connections') === 0)
})

test('the application may end its direction first and still gets all', async () => {
  const answer = randomBytes(3 * MIB)
  const server = await harness.server(socket => {
    socket.resume()
    socket.on('end', () => socket.end(answer))
  })
  await harness.start([server.address])
  const client = await harness.client({ allowHalfOpen: true })
  client.end('question')
  expect((await readAll(client)).equals(answer)).toBe(true)
})

test('the backend may end its direction first and still gets all', async () => {
  const server = await harness.server(socket => socket.end('greeting'))
  await harness.start([server.address])
  const client = await harness.client({ allowHalfOpen: true })
  expect((await readAll(client)).toString()).toBe('greeting')
  const upload = randomBytes(3 * MIB)
  const received = readAll(await server.connection(0))
  client.end(upload)
  expect((await received).equals(upload)).toBe(true)
})

test('a backend that speaks first is heard', async () => {
  const server = await harness.server(socket => socket.write('220 ready'))
  await harness.start([server.address])
  const client = await harness.client()
  expect((await readBytes(client, 9)).toString()).toBe('220 ready')
})

test('many connections at once do not mix their bytes', async () => {
  const server = await harness.server()
  await harness.start([server.address])
  const sizes = [1, 100, 4_000, 65_535, 65_536, 65_537, 300_000, MIB]
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const sent = randomBytes(sizes[index % sizes.length]! + index)
      const client = await harness.client()
      client.end(sent)
      expect((await readAll(client)).equals(sent)).toBe(true)
    }),
  )
})

test('slow readers beside fast ones get their own bytes', async () => {
  const bodies = Array.from({ length: 8 }, () => randomBytes(4 * MIB))
  let next = 0
  const server = await harness.server(socket => socket.end(bodies[next++]!))
  await harness.start([server.address])
  // One after another, so that the nth client gets the nth body.
  const clients: Socket[] = []
  for (const index of bodies.keys()) {
    clients.push(await harness.client())
    await server.connection(index)
  }
  const digests = clients.map(async (client, index) => {
    const hash = createHash('sha256')
    for await (const chunk of client) {
      hash.update(chunk as Buffer)
      if (index % 2 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    return hash.digest('hex')
  })
  const expected = bodies.map(body => createHash('sha256').update(body).digest('hex'))
  expect(await Promise.all(digests)).toEqual(expected)
})

test('a reader that stops pauses the sender, with little held in between', async () => {
  let sent = 0
  const chunk = Buffer.alloc(MIB, 'x')
  const server = await harness.server(socket => {
    const send = (): void => {
      do sent += chunk.length
      while (socket.write(chunk))
    }
    socket.on('drain', send)
    send()
  })
  await harness.start([server.address])
  const client = await harness.client()
  client.pause()
  const upstream = await server.connection(0)
  await untilStalled(upstream)
  expect(sent).toBeLessThan(64 * MIB)
  const held = harness.metric('portolan_downstream_bytes_total', { direction: 'sent' })
  expect(held).toBeLessThan(32 * MIB)
  // It goes on where it stopped.
  await readBytes(client, held + 8 * MIB)
})

test('256 MiB pass in flat memory', async () => {
  const block = randomBytes(MIB)
  const server = await harness.server(async socket => {
    for (let i = 0; i < 256; i++) if (!socket.write(block)) await once(socket, 'drain')
    socket.end()
  })
  await harness.start([server.address])
  const client = await harness.client()
  let received = 0
  let peak = 0
  const start = process.memoryUsage.rss()
  client.on('data', chunk => {
    received += chunk.length
    peak = Math.max(peak, process.memoryUsage().external)
  })
  await once(client, 'end')
  expect(received).toBe(256 * MIB)
  expect(peak).toBeLessThan(128 * MIB)
  expect(process.memoryUsage.rss() - start).toBeLessThan(192 * MIB)
})

describe('when something breaks', () => {
  test('a reset of the backend reaches the application as a reset', async () => {
    const server = await harness.server(socket => socket.write('half'))
    await harness.start([server.address])
    const client = await harness.client()
    await readBytes(client, 4)
    const end = closed(client)
    server.sockets[0]!.resetAndDestroy()
    expect(await end).toBe('ECONNRESET')
  })

  test('a reset of the backend right behind its last bytes is no end', async () => {
    const server = await harness.server(socket => {
      socket.once('data', () => {
        // At once: resetAndDestroy() waits for what was written.
        socket.write('half of it', () => Object.assign(socket, { resetAndClosing: true }).destroy())
      })
    })
    await harness.start([server.address])
    const client = await harness.client({ allowHalfOpen: true })
    const torn = new Promise<boolean>(resolve => {
      client.on('end', () => resolve(wasReset(client))).on('error', () => resolve(true))
    })
    client.resume()
    client.write('x')
    expect(await torn).toBe(true)
  })

  test('a reset of the application reaches the backend', async () => {
    const server = await harness.server(socket => socket.write('hello'))
    await harness.start([server.address])
    const client = await harness.client()
    await readBytes(client, 5)
    const end = closed(server.sockets[0]!)
    client.resetAndDestroy()
    await end
    await until(() => harness.listener.status().connections === 0)
    await until(() => harness.metric('portolan_upstream_connections') === 0)
  })

  test('an application that vanishes in the middle of a download frees everything', async () => {
    const server = await harness.server(socket => {
      const send = (): void => {
        while (socket.write(Buffer.alloc(MIB)));
      }
      socket.on('drain', send)
      send()
    })
    await harness.start([server.address])
    const client = await harness.client()
    await readBytes(client, MIB)
    client.destroy()
    await until(() => harness.listener.status().connections === 0)
    await until(() => harness.metric('portolan_upstream_connections') === 0)
  })

  test('one broken connection leaves the others alone', async () => {
    const server = await harness.server()
    await harness.start([server.address])
    const [broken, healthy] = [await harness.client(), await harness.client()]
    broken.write('x')
    healthy.write('y')
    await Promise.all([readBytes(broken, 1), readBytes(healthy, 1)])
    server.sockets[0]!.resetAndDestroy()
    await closed(broken)
    healthy.write('still here')
    expect((await readBytes(healthy, 10)).toString()).toBe('still here')
  })

  test('a backend that is not there closes the connection', async () => {
    const server = await harness.server()
    const { address } = server
    server.close()
    await harness.start([address])
    const client = await harness.client()
    expect(await closed(client)).toBe('ECONNRESET')
    await until(() => harness.listener.status().connections === 0)
    expect(harness.metric('portolan_upstream_connects_total', { outcome: 'upstream-refused' })).toBe(1)
    expect(harness.backend.status().lastError).toContain('connection refused')
  })
})

describe('deadlines', () => {
  test('silence ends a connection', async () => {
    const clock = new ManualClock()
    harness = new Harness(clock)
    const server = await harness.server()
    await harness.start([server.address], { listener: { idleTimeout: '10s' } })
    const client = await harness.client()
    client.write('x')
    await readBytes(client, 1)
    clock.advance(9_000)
    client.write('y')
    await readBytes(client, 1)
    // The second byte began the time anew, so half of it may pass again.
    clock.advance(6_000)
    client.write('z')
    await readBytes(client, 1)
    const end = closed(client)
    clock.advance(11_000)
    expect(await end).toBe('clean')
  })

  test('a reader that has stopped is cut off', async () => {
    const clock = new ManualClock()
    harness = new Harness(clock)
    const server = await harness.server(socket => {
      const send = (): void => {
        while (socket.write(Buffer.alloc(MIB)));
      }
      socket.on('drain', send)
      send()
    })
    await harness.start([server.address], { listener: { writeStallTimeout: '60s', idleTimeout: '1s' } })
    const client = await harness.client()
    client.pause()
    const upstream = await server.connection(0)
    await untilStalled(upstream)
    clock.advance(50_000)
    expect(harness.listener.status().connections).toBe(1)
    const end = closed(upstream)
    clock.advance(12_000)
    await end
    await until(() => harness.listener.status().connections === 0)
  })
})
