/** Dialling: every way to fail has a code and a cause in words. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ClientTlsOptions } from '../../src/config/index.ts'
import { connect, connected, openClientTls } from '../../src/net/index.ts'
import { silentLogger } from '../../src/observability/logger.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-connect-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

async function serve(onConnection: (socket: Socket) => void, where: object = { port: 0, host: '127.0.0.1' }) {
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  servers.push(server)
  server.listen(where)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const insecure: ClientTlsOptions = { verify: false, minVersion: 'TLSv1.2' }

test('a name with several addresses reaches the one that answers', async () => {
  const port = await serve(socket => socket.end('hi'))
  const socket = await connected({ address: { host: 'localhost', port }, connectTimeoutMs: 5_000 })
  sockets.push(socket)
  const [chunk] = await once(socket, 'data')
  expect(String(chunk)).toBe('hi')
})

test('reads go to the buffer of the caller', async () => {
  const port = await serve(socket => socket.end('hi'))
  const buffer = Buffer.alloc(100)
  const counts: number[] = []
  const onread = { buffer, callback: (count: number) => counts.push(count) > 0 }
  const socket = await connected({ address: { host: 'localhost', port }, connectTimeoutMs: 5_000, onread })
  sockets.push(socket)
  socket.resume()
  await once(socket, 'end')
  expect(counts).toEqual([2])
  expect(buffer.toString('latin1', 0, 2)).toBe('hi')
})

test('a unix socket', async () => {
  const path = join(folder, 'sock')
  await serve(socket => socket.end('hi'), { path })
  const socket = await connected({ address: { path }, connectTimeoutMs: 5_000 })
  sockets.push(socket)
  const [chunk] = await once(socket, 'data')
  expect(String(chunk)).toBe('hi')
})

test('nobody listens', async () => {
  const port = await serve(() => {})
  servers[0]!.close()
  await once(servers[0]!, 'close')
  await expect(connected({ address: { host: '127.0.0.1', port }, connectTimeoutMs: 5_000 })).rejects.toMatchObject({
    code: 'upstream-refused',
    source: 'upstream',
    retryable: true,
    message: `cannot connect to 127.0.0.1:${port}: connection refused; nothing listens there`,
  })
})

test('no socket file, and a file that is none', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  for (const path of [join(folder, 'nothing'), file]) {
    await expect(connected({ address: { path }, connectTimeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'upstream-refused',
    })
  }
})

test('a name that does not exist', async () => {
  const address = { host: 'no.such.host.invalid', port: 1 }
  await expect(connected({ address, connectTimeoutMs: 20_000 })).rejects.toMatchObject({ code: 'upstream-resolve' })
})

test('a handshake that gets no answer', async () => {
  const port = await serve(() => {})
  const tls = openClientTls(insecure, silentLogger)
  const target = { address: { host: '127.0.0.1', port }, tls, connectTimeoutMs: 50 }
  await expect(connected(target)).rejects.toMatchObject({
    code: 'upstream-tls',
    message: expect.stringContaining('no answer within 50 ms; does it speak TLS on this port?'),
  })
})

test('a peer that closes in the handshake', async () => {
  const port = await serve(socket => socket.once('data', () => socket.destroy()))
  const tls = openClientTls(insecure, silentLogger)
  const target = { address: { host: '127.0.0.1', port }, tls, connectTimeoutMs: 5_000 }
  await expect(connected(target)).rejects.toMatchObject({
    code: 'upstream-tls',
    message: expect.stringContaining('does it speak TLS on this port?'),
  })
})

test('a cancelled attempt says nothing, whenever it is cancelled', async () => {
  let accepted = 0
  const port = await serve(() => accepted++)
  let said = 0
  const sink = { onConnected: () => said++, onFailed: () => said++ }
  for (const address of [
    { host: '127.0.0.1', port },
    { host: '127.0.0.1', port: 1 },
    { host: 'localhost', port },
  ]) {
    connect({ address, connectTimeoutMs: 5_000 }, sink)()
  }
  const last = await connected({ address: { host: '127.0.0.1', port }, connectTimeoutMs: 5_000 })
  sockets.push(last)
  expect(said).toBe(0)
  expect(accepted).toBeLessThanOrEqual(2)
})
