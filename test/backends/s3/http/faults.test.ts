/** Servers that die, lie, hang or close at the wrong moment: never a clean end, and nothing sent twice that may have run. */
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../support/manual-clock.ts'
import { deferred, httpServer, onRequest, poolTo, rawServer, requestOf, send } from './client.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('a response that is cut off fails', () => {
  test.each<[name: string, text: string, code: string, hasHead: boolean]>([
    ['before it begins', '', 'upstream-lost', false],
    ['in its head', 'HTTP/1.1 200 OK\r\nContent-', 'upstream-lost', false],
    ['in a counted body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', 'upstream-lost', true],
    ['in a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'upstream-lost', true],
    ['before the last line', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 'upstream-lost', true],
    ['after 100', 'HTTP/1.1 100 Continue\r\n\r\n', 'upstream-lost', false],
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'upstream-protocol', false],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'upstream-protocol', false],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n', 'upstream-protocol', false],
    ['a wrong chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 'upstream-protocol', true],
    ['101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'upstream-protocol', false],
    ['100 without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20), 'upstream-protocol', false],
  ])('%s', async (_, text, code, hasHead) => {
    const port = await rawServer(socket => onRequest(socket, () => socket.end(text)))
    const { pool, metrics } = poolTo(port)
    const { head, error } = await send(pool, requestOf('GET')).outcome
    expect([error?.code, head !== undefined, error?.retryable]).toEqual([code, hasHead, false])
    await expect.poll(() => metrics).toMatchObject({ connections: { value: 0 }, inFlight: { value: 0 } })
  })

  test('by a reset', async () => {
    const port = await rawServer(socket =>
      onRequest(socket, () => {
        // At once: resetAndDestroy() waits for what was written.
        socket.write('HTTP/1.1 200 OK\r\n\r\nendless', () => Object.assign(socket, { resetAndClosing: true }).destroy())
      }),
    )
    const { pool } = poolTo(port)
    const { error } = await send(pool, requestOf('GET')).outcome
    expect(error?.code).toBe('upstream-lost')
  })

  test('but one that ends with its connection is whole', async () => {
    const port = await rawServer(socket => onRequest(socket, () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')))
    const { pool } = poolTo(port)
    const { body, error } = await send(pool, requestOf('GET')).outcome
    expect([body.toString(), error]).toEqual(['all of it', undefined])
  })
})

describe('a connection is not used again', () => {
  test.each([
    ['after Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['after HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['when more has come than the response', `${OK}x`],
    ['when another response has come with it', `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
  ])('%s', async (_, text) => {
    const port = await rawServer(socket => onRequest(socket, () => socket.write(text)))
    const { pool, metrics } = poolTo(port)
    for (let i = 0; i < 3; i++) expect((await send(pool, requestOf('GET')).outcome).body.toString()).toBe('ok')
    expect(metrics.outcomes['ok']?.value).toBe(3)
  })

  test('when something came while it was idle', async () => {
    const sockets: { write(text: string): void }[] = []
    const port = await rawServer(socket => {
      sockets.push(socket)
      onRequest(socket, () => socket.write(OK))
    })
    const { pool, metrics } = poolTo(port)
    await send(pool, requestOf('GET')).outcome
    sockets[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
    await expect.poll(() => metrics.connections.value).toBe(0)
    expect((await send(pool, requestOf('GET')).outcome).body.toString()).toBe('ok')
  })

  test('when the server has closed it while it was idle', async () => {
    const port = await rawServer(socket => onRequest(socket, () => socket.end(OK)))
    const { pool, metrics } = poolTo(port)
    for (let i = 0; i < 3; i++) {
      expect((await send(pool, requestOf('PUT', '/k', { bytes: Buffer.from('x') })).outcome).error).toBeUndefined()
      await expect.poll(() => metrics.connections.value).toBe(0)
    }
    expect(metrics.repeats.value).toBe(0)
  })
})

describe('a connection that dies while the request is on its way', () => {
  /** Answers the first request of each connection, and closes at the second one without a word. */
  const stale = async (counted: { requests: string[] }) =>
    rawServer((socket, number) => {
      let served = 0
      onRequest(socket, text => {
        counted.requests.push(text.split(' ')[0]!)
        if (number === 0 && served++ > 0) socket.resetAndDestroy()
        else socket.write(OK)
      })
    })

  test.each(['GET', 'HEAD'])('%s is sent again, once', async method => {
    const counted = { requests: [] as string[] }
    const { pool, metrics } = poolTo(await stale(counted))
    await send(pool, requestOf('GET')).outcome
    const { error, head } = await send(pool, requestOf(method)).outcome
    expect([error, head?.status]).toEqual([undefined, 200])
    expect(counted.requests).toEqual(['GET', method, method])
    expect(metrics.repeats.value).toBe(1)
  })

  test.each(['PUT', 'POST', 'DELETE'])('%s is not: it may have run', async method => {
    const counted = { requests: [] as string[] }
    const { pool, metrics } = poolTo(await stale(counted))
    await send(pool, requestOf('GET')).outcome
    const bytes = method === 'DELETE' ? undefined : Buffer.from('x')
    const { error } = await send(pool, requestOf(method, '/', { bytes })).outcome
    expect([error?.code, error?.retryable]).toEqual(['upstream-lost', false])
    expect(counted.requests).toEqual(['GET', method])
    expect(metrics.repeats.value).toBe(0)
  })

  test('a PUT whose body was not asked for yet is', async () => {
    let connections = 0
    const port = await rawServer(socket => {
      const number = connections++
      let served = 0
      onRequest(socket, () => {
        if (served++ === 0 && number === 0) socket.write(OK)
        else if (number === 0) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 100 Continue\r\n\r\n', () => socket.once('data', () => socket.write(OK)))
      })
    })
    const { pool, metrics } = poolTo(port)
    await send(pool, requestOf('GET')).outcome
    const put = requestOf('PUT', '/k', { body: 'length', length: 5, expectContinue: true })
    const { exchange, wanted, outcome } = send(pool, put)
    await wanted
    exchange.write(Buffer.from('hello'), true)
    exchange.end()
    expect((await outcome).body.toString()).toBe('ok')
    expect(metrics.repeats.value).toBe(1)
  })

  test('on a fresh connection nothing is sent again', async () => {
    let requests = 0
    const port = await rawServer(socket =>
      onRequest(socket, () => {
        requests++
        socket.destroy()
      }),
    )
    const { pool } = poolTo(port)
    expect((await send(pool, requestOf('GET')).outcome).error?.code).toBe('upstream-lost')
    expect(requests).toBe(1)
  })

  test('a part of the response counts as an answer', async () => {
    let requests = 0
    const port = await rawServer(socket =>
      onRequest(socket, () => {
        if (requests++ === 0) socket.write(OK)
        else socket.end('HTTP/1.1 2')
      }),
    )
    const { pool } = poolTo(port)
    await send(pool, requestOf('GET')).outcome
    expect((await send(pool, requestOf('GET')).outcome).error?.message).toContain('in the head of the answer')
    expect(requests).toBe(2)
  })
})

describe('the body of a request', () => {
  test('an answer before its end is delivered, and the connection closed', async () => {
    const port = await rawServer(socket =>
      onRequest(socket, () => socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad')),
    )
    const { pool, metrics } = poolTo(port)
    const { exchange, outcome } = send(pool, requestOf('PUT', '/k', { body: 'length', length: 100 }))
    const { head, body, error } = await outcome
    expect([head?.status, body.toString(), error]).toEqual([400, 'bad', undefined])
    expect(exchange.write(Buffer.from('more'), true)).toBe(true)
    exchange.end()
    await expect.poll(() => metrics.connections.value).toBe(0)
  })

  test('an answer is delivered although the server has closed by then, and writing fails', async () => {
    const port = await rawServer(socket =>
      socket.once('data', () => {
        // What it does not read any more makes its end a reset.
        socket.pause()
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', () => socket.destroy())
      }),
    )
    const { pool } = poolTo(port)
    const piece = Buffer.alloc(64 * 1024)
    for (let i = 0; i < 20; i++) {
      let over = false
      let wake = () => {}
      const { exchange, wanted, outcome } = send(pool, requestOf('PUT', '/k', { body: 'length', length: 1e9 }), {
        onDrain: () => wake(),
      })
      const ended = outcome.finally(() => {
        over = true
      })
      await wanted
      while (!over) {
        const drained = new Promise<void>(resolve => {
          wake = resolve
        })
        if (!exchange.write(piece, false)) await Promise.race([ended, drained])
        await new Promise(resolve => setImmediate(resolve))
      }
      const { head, body, error } = await outcome
      expect([head?.status, body.toString(), error]).toEqual([403, 'no', undefined])
    }
  })

  test.each([
    ['too few', 'abc', true],
    ['too many', 'abcdefgh', false],
  ])('%s bytes never make a whole request', async (_, text, ends) => {
    let received = ''
    const closed = deferred<void>()
    const port = await rawServer(socket => {
      socket.on('data', chunk => {
        received += chunk.toString()
      })
      socket.on('close', () => closed.resolve())
    })
    const { pool } = poolTo(port)
    const { exchange, wanted, outcome } = send(pool, requestOf('PUT', '/k', { body: 'length', length: 5 }))
    await wanted
    exchange.write(Buffer.from(text), true)
    if (ends) exchange.end()
    expect((await outcome).error?.code).toBe('request-body')
    await closed.promise
    expect((received.split('\r\n\r\n')[1] ?? '').length).toBeLessThan(5)
  })

  test('aborted in chunks it never gets its last one', async () => {
    let received = ''
    const closed = deferred<void>()
    const port = await rawServer(socket => {
      socket.on('data', chunk => {
        received += chunk.toString()
        if (received.includes('hello')) exchange.abort()
      })
      socket.on('close', () => closed.resolve())
    })
    const { pool } = poolTo(port)
    const { exchange, wanted } = send(pool, requestOf('PUT', '/k', { body: 'chunked' }))
    await wanted
    exchange.write(Buffer.from('hello'), true)
    await closed.promise
    expect(received).toMatch(/5\r\nhello$/)
  })
})

describe('deadlines', () => {
  test('no answer', async () => {
    const { pool } = poolTo(await httpServer(() => {}), { responseTimeoutMs: 30 })
    const { error } = await send(pool, requestOf('GET')).outcome
    expect([error?.code, error?.message.includes('did not answer for 30 ms')]).toEqual(['upstream-timeout', true])
  })

  test('a response that stops', async () => {
    const port = await httpServer((_, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('hello')
    })
    const { pool } = poolTo(port, { progressTimeoutMs: 30 })
    const { error, head } = await send(pool, requestOf('GET')).outcome
    expect([error?.code, head?.status]).toEqual(['upstream-timeout', 200])
  })

  test('a server that takes no more of the request', async () => {
    const port = await rawServer(socket => socket.pause())
    const { pool } = poolTo(port, { progressTimeoutMs: 50 })
    const bytes = Buffer.alloc(32 * 1024 * 1024)
    const { error } = await send(pool, requestOf('PUT', '/k', { bytes })).outcome
    expect(error?.message).toContain('took no byte of the request for 50 ms')
  })

  test('an application that waits with the body, or does not take the response, is not the server’s fault', async () => {
    const port = await httpServer(async (request, response) => {
      for await (const _ of request);
      response.end(Buffer.alloc(8 * 1024 * 1024))
    })
    const clock = new ManualClock()
    const { pool } = poolTo(port, { responseTimeoutMs: 2000, progressTimeoutMs: 20 }, clock)
    const stopped = deferred<void>()
    let stops = 0
    const { exchange, wanted, outcome } = send(pool, requestOf('PUT', '/k', { body: 'length', length: 1 }), {
      onData() {
        if (stops++ > 0) return true
        stopped.resolve()
        return false
      },
    })
    await wanted
    for (let i = 0; i < 10; i++) clock.advance(1000)
    exchange.write(Buffer.from('x'), true)
    exchange.end()
    await stopped.promise
    for (let i = 0; i < 10; i++) clock.advance(1000)
    exchange.resume()
    const { error, body } = await outcome
    expect([error, body.length]).toEqual([undefined, 8 * 1024 * 1024])
  })
})

describe('servers that cannot be reached', () => {
  test('fail at once, and the circuit opens', async () => {
    const { pool, metrics } = poolTo(1)
    for (let i = 0; i < 5; i++) {
      const { error } = await send(pool, requestOf('GET')).outcome
      expect([error?.code, error?.retryable]).toEqual(['upstream-refused', true])
    }
    const { error } = await send(pool, requestOf('GET')).outcome
    expect(error?.code).toBe('upstream-unavailable')
    expect(metrics.outcomes['upstream-refused']?.value).toBe(5)
    expect(pool.status()).toMatchObject({ state: 'down', endpoints: [{ state: 'open-circuit', connections: 0 }] })
  })

  test('are passed by when there is another', async () => {
    const port = await httpServer((_, response) => response.end('ok'))
    const { pool } = poolTo([1, port])
    const all = await Promise.all(Array.from({ length: 4 }, () => send(pool, requestOf('GET')).outcome))
    for (const { body } of all) expect(body.toString()).toBe('ok')
  })

  test('closing fails what waits and what is under way, after the grace', async () => {
    const { pool, metrics } = poolTo(await httpServer(() => {}), { maxConnections: 1 })
    const sent = [1, 2].map(() => send(pool, requestOf('GET')))
    await expect.poll(() => metrics.inFlight.value).toBe(1)
    await pool.close(10)
    for (const { outcome } of sent) expect((await outcome).error?.code).toBe('backend-closed')
    expect((await send(pool, requestOf('GET')).outcome).error?.code).toBe('backend-closed')
    expect(metrics).toMatchObject({ connections: { value: 0 }, inFlight: { value: 0 }, queued: { value: 0 } })
  })
})
