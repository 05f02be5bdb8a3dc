/** PROXY headers in from trusted peers, and out to the backend. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeProxyHeader, encodeProxyHeader, type ProxyHeader } from '../../../codecs/proxy-protocol/index.ts'
import { closed, Harness, readBytes, type TestServer } from './harness.ts'

let harness: Harness
beforeEach(() => {
  harness = new Harness()
})
afterEach(() => harness.close())

const source = { host: '203.0.113.9', port: 40_000 }
const destination = { host: '198.51.100.1', port: 443 }

/** Reads the header that a connection begins with, and as many bytes behind it. */
async function receive(server: TestServer, count: number): Promise<{ header: ProxyHeader; rest: string }> {
  const socket = await server.connection(0)
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, chunk as Buffer])
    const header = decodeProxyHeader(bytes)
    if (header && bytes.length >= header.byteLength + count) {
      return { header, rest: bytes.toString('latin1', header.byteLength) }
    }
  }
  throw new Error('the connection ended early')
}

test.each([
  ['v1', 1],
  ['v2', 2],
] as const)('%s out tells the backend who is there', async (proxyProtocol, version) => {
  const server = await harness.server(() => {})
  await harness.start([server.address], { backend: { proxyProtocol } })
  const client = await harness.client()
  client.write('hello')
  const { header, rest } = await receive(server, 5)
  expect(header).toMatchObject({
    version,
    source: { host: '127.0.0.1', port: client.localPort },
    destination: { host: '127.0.0.1', port: harness.port },
  })
  expect(rest).toBe('hello')
})

test('a trusted header is passed on, and every byte behind it', async () => {
  const server = await harness.server(() => {})
  await harness.start([server.address], {
    listener: { proxyProtocol: { from: ['127.0.0.0/8'] } },
    backend: { proxyProtocol: 'v2' },
  })
  const client = await harness.client()
  client.write(Buffer.concat([encodeProxyHeader(1, source, destination), Buffer.from('hello')]))
  const { header, rest } = await receive(server, 5)
  expect(header).toMatchObject({ version: 2, source, destination })
  expect(rest).toBe('hello')
})

test.each([1, 2] as const)('a v%d header may come byte by byte', async version => {
  const server = await harness.server()
  await harness.start([server.address], { listener: { proxyProtocol: { from: ['127.0.0.1'] } } })
  const client = await harness.client()
  client.setNoDelay(true)
  for (const byte of Buffer.concat([encodeProxyHeader(version, source, destination), Buffer.from('echo')])) {
    client.write(Buffer.of(byte))
    await new Promise(resolve => setImmediate(resolve))
  }
  expect((await readBytes(client, 4)).toString()).toBe('echo')
})

test.each(['PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n', 'LOCAL'])('%j leaves the true address', async text => {
  const server = await harness.server(() => {})
  await harness.start([server.address], {
    listener: { proxyProtocol: { from: ['127.0.0.1'] } },
    backend: { proxyProtocol: 'v2' },
  })
  const client = await harness.client()
  const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')
  client.write(text === 'LOCAL' ? local : text)
  const { header } = await receive(server, 0)
  expect(header.source).toEqual({ host: '127.0.0.1', port: client.localPort })
})

test('a peer that is not trusted is not believed: its header is payload', async () => {
  const server = await harness.server()
  await harness.start([server.address], { listener: { proxyProtocol: { from: ['10.0.0.0/8'] } } })
  const client = await harness.client()
  const header = encodeProxyHeader(1, source, destination)
  client.write(header)
  expect(await readBytes(client, header.length)).toEqual(header)
})

test.each([
  ['no header', 'GET / HTTP/1.1\r\n\r\n'],
  ['a broken one', 'PROXY TCP4 1.1.1.1 1.1.1.1 99999 1\r\n'],
])('a trusted peer with %s is cut off, and the backend hears nothing', async (_name, text) => {
  const server = await harness.server()
  await harness.start([server.address], { listener: { proxyProtocol: { from: ['127.0.0.1'] } } })
  const client = await harness.client()
  client.write(text)
  await closed(client)
  expect(server.sockets.length).toBe(0)
  expect(harness.metric('portolan_downstream_connections_total', { outcome: 'failed' })).toBe(1)
  expect(harness.listener.status().connections).toBe(0)
})

test('a trusted peer that sends no header in time is cut off', async () => {
  const server = await harness.server()
  await harness.start([server.address], {
    listener: { proxyProtocol: { from: ['127.0.0.1'] }, handshakeTimeout: '50ms' },
  })
  const client = await harness.client()
  client.write('PROXY TCP4 ')
  await closed(client)
  expect(server.sockets.length).toBe(0)
})

test('checks and probes of our own say that nobody is behind them', async () => {
  const server = await harness.server(() => {})
  await harness.start([server.address], { backend: { proxyProtocol: 'v2' } })
  expect((await harness.backend.probe(1_000)).ok).toBe(true)
  const { header } = await receive(server, 0)
  expect(header).toEqual({ version: 2, byteLength: 16 })
})
