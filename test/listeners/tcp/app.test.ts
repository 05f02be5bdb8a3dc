/** The relay as users get it: from the example's file, through the whole application, over a reload. */

import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tcp } from '../../../listeners/tcp/index.ts'
import { type App, createApp } from '../../../src/app.ts'
import { tcpBackendKind } from '../../../src/backends/tcp/index.ts'
import { type AppConfig, loadConfig } from '../../../src/config/index.ts'
import { echo, readBytes, TestServer } from './harness.ts'

const registry = { protocols: [tcp], backendKinds: [tcpBackendKind], componentKinds: [] }
const example = join(import.meta.dirname, '../../../examples/tcp/portolan.yaml')

let servers: TestServer[]
let sockets: Socket[]
let app: App | undefined
beforeEach(async () => {
  sockets = []
  servers = [new TestServer(echo), new TestServer(echo), new TestServer(echo)]
  for (const server of servers) await server.listen()
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await app?.close()
  for (const server of servers) server.close()
})

async function load(first: TestServer, second: TestServer): Promise<AppConfig> {
  const env = {
    PORTOLAN_TCP_PORT: '0',
    PORTOLAN_ADMIN_PORT: '0',
    BROKER_1: first.address,
    BROKER_2: second.address,
  }
  return (await loadConfig([example], registry, env)).config
}

async function exchange(text: string, socket?: Socket): Promise<Socket> {
  const address = app!.generation.listeners.get('mqtt')!.listener.address
  const used = socket ?? connect(Number(address.split(':').at(-1)), '127.0.0.1')
  sockets.push(used)
  used.write(text)
  expect(String(await readBytes(used, text.length))).toBe(text)
  return used
}

test('the example relays, and a reload moves new connections while the open ones stay', async () => {
  const [a, b, c] = servers as [TestServer, TestServer, TestServer]
  app = createApp(await load(a, b), registry)
  await app.start()
  const open = await exchange('before')
  expect((await app.reload(await load(c, c))).outcome).toBe('applied')
  const seen = a.sockets.length + b.sockets.length
  await exchange('after')
  expect(c.sockets.length).toBeGreaterThan(0)
  expect(a.sockets.length + b.sockets.length).toBe(seen)
  await exchange('still', open)
})

test('unix peers cannot be trusted on a listener with tls', () => {
  const tls = { cert: 'a', key: 'b' }
  const parse = (from: string[]) => tcp.options.safeParse({ tls, proxyProtocol: { from } }).success
  expect(parse(['unix'])).toBe(false)
  expect(parse(['10.0.0.0/8'])).toBe(true)
  expect(tcp.options.safeParse({ proxyProtocol: { from: ['unix'] } }).success).toBe(true)
})

test('only client certificates make a relay safe to expose', () => {
  const files = { cert: 'a', key: 'b', clientCa: 'c' }
  const exposed = (tls: object) => tcp.exposed!(tcp.options.parse({ tls }))
  expect(exposed(files)).toBe(false)
  expect(exposed({ ...files, requireClientCertificate: true })).toBe(true)
})
