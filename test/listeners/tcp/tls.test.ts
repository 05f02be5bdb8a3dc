/** TLS on either side of the relay, client certificates, and certificates that change while it runs. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeProxyHeader } from '../../../codecs/proxy-protocol/index.ts'
import { Authority, type Identity } from '../../net/certificates.ts'
import { closed, echo, Harness, readAll, readBytes, until } from './harness.ts'

let authority: Authority
let server: Identity
let application: Identity
beforeAll(() => {
  authority = new Authority()
  server = authority.issue('server')
  application = authority.issue('application')
})
afterAll(() => authority.remove())

let harness: Harness
const opened: (Socket | Server)[] = []
beforeEach(() => {
  harness = new Harness()
})
afterEach(async () => {
  for (const item of opened.splice(0)) 'destroy' in item ? item.destroy() : item.close()
  await harness.close()
})

const read = (file: string): Buffer => readFileSync(file)

async function secureClient(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    port: harness.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: read(authority.cert),
    ...options,
  })
  opened.push(socket)
  await once(socket, 'secureConnect')
  return socket
}

async function secureServer(identity = server, options: object = {}): Promise<string> {
  const listening = createServer(
    { cert: read(identity.cert), key: read(identity.key), allowHalfOpen: true, ...options },
    socket => {
      socket.on('error', () => {})
      echo(socket)
    },
  )
  opened.push(listening)
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return `127.0.0.1:${(listening.address() as { port: number }).port}`
}

describe('towards the application', () => {
  test('bytes and half-close pass', async () => {
    const plain = await harness.server()
    await harness.start([plain.address], { listener: { tls: server } })
    const sent = randomBytes(5 * 1024 * 1024)
    const client = await secureClient()
    client.end(sent)
    expect((await readAll(client)).equals(sent)).toBe(true)
    await until(() => harness.listener.status().connections === 0)
    expect(harness.metric('portolan_downstream_connections')).toBe(0)
  })

  test('a PROXY header comes before the handshake', async () => {
    const plain = await harness.server()
    await harness.start([plain.address], { listener: { tls: server, proxyProtocol: { from: ['127.0.0.1'] } } })
    const raw = connectPlain(harness.port, '127.0.0.1')
    opened.push(raw)
    raw.write(encodeProxyHeader(2, { host: '1.1.1.1', port: 1 }, { host: '2.2.2.2', port: 2 }))
    const client = connect({ socket: raw, servername: 'localhost', ca: read(authority.cert) })
    client.write('hello')
    expect((await readBytes(client, 5)).toString()).toBe('hello')
  })

  test('a peer that does not speak TLS is cut off, and nothing leaks', async () => {
    const plain = await harness.server()
    await harness.start([plain.address], { listener: { tls: server } })
    const client = await harness.client()
    client.write('GET / HTTP/1.1\r\n\r\n')
    await closed(client)
    await until(() => harness.listener.status().connections === 0)
    expect(plain.sockets.length).toBe(0)
    expect(harness.metric('portolan_downstream_connections_total', { outcome: 'failed' })).toBe(1)
  })

  test('a peer that never finishes its handshake is cut off', async () => {
    const plain = await harness.server()
    await harness.start([plain.address], { listener: { tls: server, handshakeTimeout: '50ms' } })
    await closed(await harness.client())
    await until(() => harness.listener.status().connections === 0)
  })

  test('with client certificates required, only those of the authority get in', async () => {
    const plain = await harness.server()
    const tls = { ...server, clientCa: authority.cert, requireClientCertificate: true }
    await harness.start([plain.address], { listener: { tls } })
    const known = await secureClient({ cert: read(application.cert), key: read(application.key) })
    known.write('x')
    await readBytes(known, 1)
    const stranger = new Authority()
    const self = stranger.issue('self')
    for (const identity of [{}, { cert: read(self.cert), key: read(self.key) }]) {
      // With TLS 1.3 the client believes the handshake done before the server refuses it.
      const socket = connect({ port: harness.port, servername: 'localhost', ca: read(authority.cert), ...identity })
      opened.push(socket)
      await closed(socket)
    }
    stranger.remove()
    expect(plain.sockets.length).toBe(1)
  })

  test('a new certificate serves new connections, a broken one changes nothing', async () => {
    const plain = await harness.server()
    const identity = authority.issue('rotating', 'first')
    await harness.start([plain.address], { listener: { tls: identity } })
    const commonName = async (): Promise<string> => {
      const socket = await secureClient()
      const name = socket.getPeerCertificate().subject.CN
      socket.destroy()
      return String(name)
    }
    const old = await secureClient()
    expect(await commonName()).toBe('first')
    authority.issue('rotating', 'second')
    while ((await commonName()) !== 'second');
    old.write('still open')
    expect((await readBytes(old, 10)).toString()).toBe('still open')
    writeFileSync(identity.cert, 'not a certificate')
    appendFileSync(identity.key, '\n')
    // Long enough for the change to be seen and refused.
    await new Promise(resolve => setTimeout(resolve, 500))
    expect(await commonName()).toBe('second')
    authority.issue('rotating', 'third')
    while ((await commonName()) !== 'third');
  })
})

describe('towards the backend', () => {
  test('bytes and half-close pass, verified by name', async () => {
    const address = await secureServer()
    const tls = { ca: authority.cert, serverName: 'localhost' }
    await harness.start([address], { backend: { tls } })
    const sent = randomBytes(5 * 1024 * 1024)
    const client = await harness.client()
    client.end(sent)
    expect((await readAll(client)).equals(sent)).toBe(true)
    const { endpoints } = await harness.backend.probe(2_000)
    expect(endpoints[0]).toMatchObject({ ok: true, facts: { tls: 'TLSv1.3' } })
  })

  test('TLS on both sides', async () => {
    const address = await secureServer()
    await harness.start([address], { listener: { tls: server }, backend: { tls: { ca: authority.cert } } })
    const sent = randomBytes(2 * 1024 * 1024)
    const client = await secureClient()
    client.end(sent)
    expect((await readAll(client)).equals(sent)).toBe(true)
  })

  test.each([
    ['an unknown authority', () => ({})],
    ['another name', () => ({ ca: authority.cert, serverName: 'other.example' })],
  ])('%s is refused', async (_name, tls) => {
    const address = await secureServer()
    await harness.start([address], { backend: { tls: tls() } })
    const client = await harness.client()
    expect(await closed(client)).toBe('ECONNRESET')
    const { endpoints } = await harness.backend.probe(2_000)
    expect(endpoints[0]!.failure?.stage).toBe('tls')
  })

  test('without verification anything is taken', async () => {
    const address = await secureServer()
    await harness.start([address], { backend: { tls: { verify: false, serverName: 'other.example' } } })
    const client = await harness.client()
    client.write('x')
    await readBytes(client, 1)
  })

  test('our certificate is shown', async () => {
    const address = await secureServer(server, { requestCert: true, ca: read(authority.cert) })
    await harness.start([address], { backend: { tls: { ca: authority.cert, ...application } } })
    const client = await harness.client()
    client.write('x')
    await readBytes(client, 1)
  })

  test('a plain backend is told apart', async () => {
    const plain = await harness.server(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await harness.start([plain.address], { backend: { tls: { ca: authority.cert } } })
    const { endpoints } = await harness.backend.probe(2_000)
    expect(endpoints[0]!.failure).toMatchObject({ stage: 'tls' })
  })
})

test('files that are missing or do not fit together are named', () => {
  expect(() => harness.createBackend(['127.0.0.1:1'], { tls: { ca: '/nowhere/ca.pem' } })).toThrow(/\/nowhere\/ca.pem/)
  expect(() => harness.createBackend(['127.0.0.1:1'], { tls: { cert: server.cert, key: application.key } })).toThrow(
    /cannot be used together/,
  )
})
