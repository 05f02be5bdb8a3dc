/** Certificates, authorities and client certificates that are replaced while clients are at work. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Authority, type Identity } from '../../net/certificates.ts'
import { type Portolan, Rig, until } from '../../support/portolan.ts'

let first: Authority
let second: Authority
let folder: string
const rig = new Rig()
beforeAll(() => {
  first = new Authority()
  second = new Authority()
})
afterAll(() => {
  first.remove()
  second.remove()
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-rotation-'))
  rig.onClose(() => rmSync(folder, { recursive: true }))
})
afterEach(() => rig.close())

/** Puts a copy of a file into the folder, in one step as a mounted secret changes. Returns its path. */
function install(source: string, name: string): string {
  const path = join(folder, name)
  copyFileSync(source, `${path}.new`)
  renameSync(`${path}.new`, path)
  return path
}

const installed = ({ cert, key }: Identity): Identity => ({ cert: install(cert, 'cert'), key: install(key, 'key') })

const reloaded = (portolan: Portolan, times: number) =>
  until(() => portolan.log.filter(({ message }) => message === 'TLS files reloaded').length >= times)

function clientOf(portolan: Portolan, authority: Authority, identity?: Identity) {
  const pem = (path: string) => readFileSync(path)
  const own = identity && { cert: pem(identity.cert), key: pem(identity.key) }
  return rig.client({ port: portolan.port(), tls: { ca: pem(authority.cert), host: 'localhost', ...own } })
}

/** The name in the certificate that a listener shows now. */
function shownBy(portolan: Portolan): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ port: portolan.port(), host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    }).on('error', reject)
  })
}

test('of a listener: new clients see the new certificate, the others go on', async () => {
  const redis = await rig.redis()
  const portolan = await rig.portolan(redis.port, { listener: { tls: installed(first.issue('before')) } })
  const old = await clientOf(portolan, first)
  expect(await shownBy(portolan)).toBe('before')
  const blocked = old.call('BLPOP', 'list', 0)
  installed(second.issue('after'))
  await until(async () => (await shownBy(portolan)) === 'after')
  const fresh = await clientOf(portolan, second)
  expect(await fresh.call('RPUSH', 'list', 'x')).toBe(1)
  expect(await blocked).toEqual(['list', 'x'])
  expect(await old.call('PING')).toBe('PONG')
})

test('of a listener: what cannot be used is logged, and the old certificate stays', async () => {
  const redis = await rig.redis()
  const portolan = await rig.portolan(redis.port, { listener: { tls: installed(first.issue('before')) } })
  writeFileSync(join(folder, 'cert'), 'no certificate')
  await until(() => portolan.log.some(({ message }) => message.includes('the old ones stay')))
  expect(await (await clientOf(portolan, first)).call('PING')).toBe('PONG')
})

test('of a listener: another authority for client certificates', async () => {
  const redis = await rig.redis()
  const clientCa = install(first.cert, 'clients')
  const tls = { ...installed(first.issue('listener')), clientCa, requireClientCertificate: true }
  const portolan = await rig.portolan(redis.port, { listener: { tls } })
  const [one, two] = [first.issue('client'), second.issue('client')]
  const old = await clientOf(portolan, first, one)
  expect(await old.call('PING')).toBe('PONG')
  await expect(clientOf(portolan, first, two).then(client => client.call('PING'))).rejects.toThrow()
  install(second.cert, 'clients')
  await reloaded(portolan, 1)
  expect(await (await clientOf(portolan, first, two)).call('PING')).toBe('PONG')
  await expect(clientOf(portolan, first, one).then(client => client.call('PING'))).rejects.toThrow()
  expect(await old.call('PING')).toBe('PONG')
})

test('towards the backend: authority and client certificate change with those of the server', async () => {
  const redis = await rig.redis({ tls: { ...first.issue('server'), ca: first.cert, clients: true } })
  const root = await rig.client(redis.port)
  const tls = { ca: install(first.cert, 'authority'), ...installed(first.issue('portolan')) }
  const portolan = await rig.portolan([`localhost:${redis.tlsPort}`], { backend: { tls } })
  const [client, subscriber] = await rig.clients(2, portolan)
  expect(await client!.call('SET', 'k', 'v')).toBe('OK')
  await subscriber!.call('SUBSCRIBE', 'c')

  install(second.cert, 'authority')
  installed(second.issue('portolan'))
  await reloaded(portolan, 1)
  expect(await client!.call('GET', 'k')).toBe('v')
  const server = second.issue('server')
  const settings = ['tls-cert-file', server.cert, 'tls-key-file', server.key, 'tls-ca-cert-file', second.cert]
  expect(await root.call('CONFIG', 'SET', ...settings)).toBe('OK')
  await root.call('CLIENT', 'KILL', 'SKIPME', 'yes')
  await until(async () => (await client!.call('GET', 'k')) === 'v')
  await until(async () => (await client!.call('PUBLISH', 'c', 'm')) === 1)
  expect(await subscriber!.next()).toEqual(['message', 'c', 'm'])
})
