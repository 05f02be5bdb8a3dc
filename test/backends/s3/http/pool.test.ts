/** The HTTP client against real servers of Node: bodies of all kinds, reuse, limits, back-pressure. */
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ClientTlsOptions } from '../../../../src/config/index.ts'
import { openClientTls } from '../../../../src/net/index.ts'
import { silentLogger } from '../../../../src/observability/logger.ts'
import { httpServer, httpsServer, poolTo, rawServer, requestOf, send } from './client.ts'

const MiB = 1024 * 1024

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

describe('requests and responses', () => {
  test('a head without a body, and a response with one', async () => {
    const port = await httpServer((request, response) => {
      response.setHeader('x-seen', `${request.method} ${request.url} ${request.headers.host}`)
      response.end('hello')
    })
    const { pool } = poolTo(port)
    const { head, body, error } = await send(pool, requestOf('GET', '/a%2Fb?c')).outcome
    expect(error).toBeUndefined()
    expect(head?.status).toBe(200)
    expect(head?.headers.values[head.headers.names.indexOf('x-seen')]).toBe('GET /a%2Fb?c store')
    expect(body.toString()).toBe('hello')
  })

  test.each([1, 1024, 64 * 1024, 3 * MiB])('a body of %i bytes that is there already', async size => {
    const port = await httpServer(async (request, response) => {
      const body = await bodyOf(request)
      response.end(`${request.headers['content-length']} ${createHash('sha1').update(body).digest('hex')}`)
    })
    const { pool } = poolTo(port)
    const bytes = randomBytes(size)
    for (let i = 0; i < 3; i++) {
      const { body, continued } = await send(pool, requestOf('PUT', '/k', { bytes })).outcome
      expect(body.toString()).toBe(`${size} ${createHash('sha1').update(bytes).digest('hex')}`)
      expect(continued).toBe(false)
    }
  })

  test.each(['length', 'chunked'] as const)('a body that is written: %s', async body => {
    const port = await httpServer(async (request, response) => {
      const { 'content-length': length, 'transfer-encoding': coding } = request.headers
      response.end(`${length} ${coding} ${await bodyOf(request)}`)
    })
    const { pool } = poolTo(port)
    for (let i = 0; i < 2; i++) {
      const { exchange, wanted, outcome } = send(
        pool,
        requestOf('PUT', '/k', { body, length: body === 'length' ? 10 : 0 }),
      )
      await wanted
      exchange.write(Buffer.from('hello'), true)
      exchange.write(Buffer.alloc(0), true)
      exchange.write(Buffer.from('world'), false)
      exchange.end()
      const found = (await outcome).body.toString()
      expect(found).toBe(body === 'length' ? '10 undefined helloworld' : 'undefined chunked helloworld')
    }
    expect(pool.status().endpoints[0]?.connections).toBe(1)
  })

  test('a body of no bytes, of either kind', async () => {
    const port = await httpServer(async (request, response) => {
      response.end(`${request.headers['content-length']} ${(await bodyOf(request)).length}`)
    })
    const { pool } = poolTo(port)
    expect((await send(pool, requestOf('PUT', '/k', { body: 'length' })).outcome).body.toString()).toBe('0 0')
    const { exchange, wanted, outcome } = send(pool, requestOf('PUT', '/k', { body: 'chunked' }))
    await wanted
    exchange.end()
    expect((await outcome).body.toString()).toBe('undefined 0')
  })

  test('HEAD, 204 and 304 have no body, chunked responses have their data', async () => {
    const port = await httpServer((request, response) => {
      const status = Number(request.url!.slice(1))
      response.writeHead(status, status === 200 && request.method === 'HEAD' ? { 'content-length': 99 } : {})
      if (status === 200 && request.method === 'GET') response.write('one ')
      response.end(status === 200 && request.method === 'GET' ? 'two' : undefined)
    })
    const { pool, metrics } = poolTo(port)
    const result = async (method: string, target: string) => {
      const { head, body } = await send(pool, requestOf(method, target)).outcome
      return [head?.status, head?.contentLength, body.toString()]
    }
    expect(await result('HEAD', '/200')).toEqual([200, 99, ''])
    expect(await result('GET', '/304')).toEqual([304, undefined, ''])
    expect(await result('DELETE', '/204')).toEqual([204, undefined, ''])
    expect(await result('GET', '/200')).toEqual([200, undefined, 'one two'])
    expect(metrics.outcomes['ok']?.value).toBe(1)
  })

  test('a response that comes byte by byte', async () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n'
    const port = await rawServer(socket =>
      socket.on('data', async () => {
        for (const character of text) {
          socket.write(character)
          await new Promise(resolve => setImmediate(resolve))
        }
      }),
    )
    const { pool, metrics } = poolTo(port)
    for (let i = 0; i < 2; i++) {
      const { head, body, error } = await send(pool, requestOf('GET')).outcome
      expect([head?.status, body.toString(), error]).toEqual([200, 'hello', undefined])
    }
    expect(metrics.outcomes['ok']?.value).toBe(1)
  })

  test('over TLS, in both directions', async () => {
    const echo: RequestListener = (request, response) => {
      request.pipe(response)
    }
    const port = await httpsServer(echo)
    const tls = openClientTls({ verify: false, minVersion: 'TLSv1.2' } as ClientTlsOptions, silentLogger)
    onTestFinished(() => tls.close())
    const { pool, metrics } = poolTo(port, { tls })
    for (const body of ['length', 'chunked'] as const) {
      const size = 5 * MiB
      const bytes = randomBytes(size)
      let wake = () => {}
      let stops = 0
      const put = requestOf('PUT', '/k', { body, length: body === 'length' ? size : 0 })
      const { exchange, wanted, outcome } = send(pool, put, {
        onDrain: () => wake(),
        onData() {
          setImmediate(() => exchange.resume())
          return stops++ % 2 === 0
        },
      })
      await wanted
      for (let at = 0; at < size; at += 100_000) {
        // What is free again is overwritten.
        const view = Buffer.from(bytes.subarray(at, at + 100_000))
        if (!exchange.write(view, false)) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
        view.fill(0)
      }
      exchange.end()
      const found = await outcome
      expect(found.error).toBeUndefined()
      expect(found.body.equals(bytes)).toBe(true)
      expect(stops).toBeGreaterThan(10)
    }
    expect(metrics.outcomes['ok']?.value).toBe(1)
  })

  test('the first bytes of a body come in the same turn as its head', async () => {
    const port = await httpServer((_, response) => response.end('hello'))
    const { pool } = poolTo(port)
    const calls: string[] = []
    await send(pool, requestOf('GET'), {
      onHead() {
        calls.push('head')
        setImmediate(() => calls.push('turn'))
      },
      onData() {
        calls.push('data')
        return true
      },
    }).outcome
    expect(calls).toEqual(['head', 'data'])
  })
})

describe('Expect: 100-continue', () => {
  test('the body waits until the server asks for it', async () => {
    const port = await rawServer(socket => {
      socket.once('data', head => {
        expect(head.toString()).toMatch(/\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n$/)
        socket.write('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
        socket.once('data', body => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${body}`))
      })
    })
    const { pool } = poolTo(port)
    const { exchange, wanted, outcome } = send(
      pool,
      requestOf('PUT', '/k', { body: 'length', length: 5, expectContinue: true }),
    )
    exchange.write(Buffer.from('early'), true)
    await wanted
    exchange.write(Buffer.from('hello'), true)
    exchange.end()
    expect((await outcome).body.toString()).toBe('hello')
  })

  test('an answer instead of it is delivered, and the connection is not used again', async () => {
    const port = await rawServer(socket => {
      socket.once('data', () => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'))
    })
    const { pool, metrics } = poolTo(port)
    for (let i = 0; i < 2; i++) {
      const { outcome } = send(pool, requestOf('PUT', '/k', { body: 'length', length: 5, expectContinue: true }))
      const { head, body, continued } = await outcome
      expect([head?.status, body.toString(), continued]).toEqual([403, 'no', false])
    }
    expect(metrics.outcomes['ok']?.value).toBe(2)
  })

  test('a server that says nothing gets the body after a while', async () => {
    const port = await rawServer(socket => {
      socket.once('data', () =>
        socket.once('data', body => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${body}`)),
      )
    })
    const { pool } = poolTo(port, { continueTimeoutMs: 20 })
    const { exchange, wanted, outcome } = send(
      pool,
      requestOf('PUT', '/k', { body: 'length', length: 5, expectContinue: true }),
    )
    await wanted
    exchange.write(Buffer.from('hello'), true)
    exchange.end()
    expect((await outcome).body.toString()).toBe('hello')
  })
})

describe('the pool', () => {
  test('keeps within its limit, serves in order, and uses connections again', async () => {
    let open = 0
    let most = 0
    const port = await httpServer((request, response) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        response.end(request.url)
      })
    })
    const { pool, metrics } = poolTo(port, { maxConnections: 3 })
    const ended: string[] = []
    const all = Array.from({ length: 50 }, (_, i) =>
      send(pool, requestOf('GET', `/${i}`), { onEnd: () => ended.push(`/${i}`) }),
    )
    expect(metrics.queued.value).toBe(50)
    const bodies = (await Promise.all(all.map(({ outcome }) => outcome))).map(({ body }) => body.toString())
    expect(bodies).toEqual(Array.from({ length: 50 }, (_, i) => `/${i}`))
    expect(most).toBeLessThanOrEqual(3)
    expect(ended).toHaveLength(50)
    expect(metrics).toMatchObject({ queued: { value: 0 }, inFlight: { value: 0 }, connections: { value: 3 } })
    expect(metrics.outcomes['ok']?.value).toBe(3)
    await pool.close(1000)
    expect(metrics).toMatchObject({ inFlight: { value: 0 }, connections: { value: 0 } })
    expect(pool.status().state).toBe('closed')
  })

  test('a line that is too long, and one that does not move', async () => {
    const port = await httpServer(() => {})
    const { pool, metrics } = poolTo(port, { maxConnections: 1, maxQueue: 2, queueTimeoutMs: 40 })
    const sent = Array.from({ length: 4 }, () => send(pool, requestOf('GET')))
    await sent[3]!.outcome.then(({ error }) => {
      expect([error?.code, error?.retryable]).toEqual(['upstream-busy', true])
      expect(error?.message).toContain('wait for its 1 connections')
    })
    const errors = await Promise.all([sent[1]!.outcome, sent[2]!.outcome])
    for (const { error } of errors.slice(0, 1)) expect(error?.message).toContain('within 40 ms')
    expect(metrics.queued.value).toBe(0)
  })

  test('old idle connections are not used, but closed', async () => {
    const port = await httpServer((_, response) => response.end())
    const { pool, metrics } = poolTo(port, { idleLifetimeMs: 20 })
    await send(pool, requestOf('GET')).outcome
    await expect.poll(() => metrics.connections.value).toBe(0)
    expect((await send(pool, requestOf('GET')).outcome).error).toBeUndefined()
    expect(metrics.outcomes['ok']?.value).toBe(2)
  })

  test('an aborted request leaves the line, or takes its connection along', async () => {
    let closed = 0
    const port = await rawServer(socket => socket.on('data', () => {}).on('close', () => closed++))
    const { pool, metrics } = poolTo(port, { maxConnections: 1 })
    const sink = { onFailed: () => expect.unreachable(), onEnd: () => expect.unreachable() }
    const first = send(pool, requestOf('GET'), sink)
    const second = send(pool, requestOf('GET'), sink)
    await expect.poll(() => metrics.inFlight.value).toBe(1)
    second.exchange.abort()
    expect(metrics.queued.value).toBe(0)
    first.exchange.abort()
    first.exchange.abort()
    first.exchange.resume()
    expect(first.exchange.write(Buffer.from('x'), true)).toBe(true)
    await expect.poll(() => [closed, metrics.connections.value, metrics.inFlight.value]).toEqual([1, 0, 0])
  })

  test('several endpoints: those that cannot be reached are passed by', async () => {
    const ports = await Promise.all([1, 2].map(i => httpServer((_, response) => response.end(String(i)))))
    const { pool } = poolTo([1, ...ports], { maxConnections: 4 })
    const seen = new Set<string>()
    const sent = Array.from({ length: 4 }, () => send(pool, requestOf('GET')))
    for (const { outcome } of sent) seen.add((await outcome).body.toString())
    expect(seen).toEqual(new Set(['1', '2']))
    expect(pool.status()).toMatchObject({ state: 'up', endpoints: [{ connections: 0 }, {}, {}] })
  })
})

describe('back-pressure', () => {
  test('a response of 64 MiB to a receiver that stops again and again', async () => {
    const piece = randomBytes(MiB)
    const port = await httpServer(async (_, response) => {
      response.setHeader('content-length', 64 * MiB)
      for (let i = 0; i < 64; i++)
        if (!response.write(piece)) await new Promise(resolve => response.once('drain', resolve))
      response.end()
    })
    const { pool } = poolTo(port)
    const hash = createHash('sha256')
    const expected = createHash('sha256')
    for (let i = 0; i < 64; i++) expected.update(piece)
    let stops = 0
    let total = 0
    await new Promise<void>((resolve, reject) => {
      const held: Buffer[] = []
      const exchange = pool.open(requestOf('GET'), {
        onContinue() {},
        onDrain() {},
        onHead() {},
        onData(bytes) {
          total += bytes.length
          // Kept until resume(): it must not change meanwhile.
          held.push(bytes)
          if (held.length > 1) return false
          stops++
          setImmediate(() => {
            for (const view of held.splice(0)) hash.update(view)
            exchange.resume()
          })
          return false
        },
        onEnd: resolve,
        onFailed: reject,
      })
    })
    await new Promise(resolve => setImmediate(resolve))
    expect(total).toBe(64 * MiB)
    expect(stops).toBeGreaterThan(100)
    expect(hash.digest('hex')).toBe(expected.digest('hex'))
    // The connection is used again, although the receiver may have stopped at the end.
    expect(pool.status().endpoints[0]?.connections).toBe(1)
  })

  test.each([1024, MiB])(
    'what was not taken stays as it is while the connection serves others: %i bytes',
    async size => {
      const port = await httpServer((request, response) => response.end(Buffer.alloc(size, request.url!.slice(1))))
      const { pool, metrics } = poolTo(port)
      const held: Buffer[] = []
      const first = send(pool, requestOf('GET', '/a'), {
        onData(bytes) {
          held.push(bytes)
          // Only the last bytes are refused, with which the response ends.
          return held.reduce((sum, view) => sum + view.length, 0) < size
        },
      })
      await first.outcome
      for (let i = 0; i < 3; i++) await send(pool, requestOf('GET', '/b')).outcome
      expect(held.at(-1)!.every(byte => byte === 97)).toBe(true)
      expect(metrics.outcomes['ok']?.value).toBe(1)
      first.exchange.resume()
    },
  )

  test('while the receiver stands still, so does the server', async () => {
    let written = 0
    const port = await httpServer((_, response) => {
      const piece = Buffer.alloc(64 * 1024)
      const fill = () => {
        while (written < 64 * MiB) {
          written += piece.length
          if (!response.write(piece)) {
            response.once('drain', fill)
            return
          }
        }
        response.end()
      }
      fill()
    })
    const { pool } = poolTo(port)
    let bytes = 0
    let stopped = true
    const { exchange, answered, outcome } = send(pool, requestOf('GET'), {
      onData(view) {
        bytes += view.length
        return !stopped
      },
    })
    await answered
    // The kernel's buffers fill, and nothing moves any more.
    for (let before = -1; before !== written; await new Promise(resolve => setTimeout(resolve, 100))) before = written
    expect(bytes).toBeLessThan(MiB)
    expect(written).toBeLessThan(32 * MiB)
    stopped = false
    exchange.resume()
    expect((await outcome).body.length).toBe(64 * MiB)
  })

  test('a request of 64 MiB to a server that reads slowly', async () => {
    let received = 0
    const hash = createHash('sha256')
    const port = await httpServer((request, response) => {
      request.on('data', chunk => {
        hash.update(chunk)
        received += chunk.length
        request.pause()
        setImmediate(() => request.resume())
      })
      request.on('end', () => response.end())
    })
    const { pool } = poolTo(port)
    const expected = createHash('sha256')
    let drains = 0
    let wake = () => {}
    const { exchange, wanted, outcome } = send(pool, requestOf('PUT', '/k', { body: 'length', length: 64 * MiB }), {
      onDrain() {
        drains++
        wake()
      },
    })
    await wanted
    const memory = Buffer.alloc(256 * 1024)
    for (let i = 0; i < 256; i++) {
      memory.fill(i)
      expected.update(memory)
      // The same memory again, as soon as it is free.
      if (!exchange.write(memory, false)) {
        expect(received).toBeGreaterThan((i - 64) * memory.length)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
    exchange.end()
    expect((await outcome).error).toBeUndefined()
    expect(received).toBe(64 * MiB)
    expect(drains).toBeGreaterThan(3)
    expect(hash.digest('hex')).toBe(expected.digest('hex'))
  })
})
