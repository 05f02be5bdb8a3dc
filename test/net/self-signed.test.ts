/** Generated certificates, read by those who have to accept them. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { serverTls } from '../../src/config/index.ts'
import { openServerTls } from '../../src/net/index.ts'
import { keptCertificate } from '../../src/net/kept-certificate.ts'
import { selfSigned } from '../../src/net/self-signed.ts'
import { silentLogger } from '../../src/observability/logger.ts'

const NAMES = ['portolan.example', '10.1.2.3', '::1', 'fe80::a:b', '2001:db8:0:0:1:2:3:4']

test('names, addresses, validity and signature are what they should be', () => {
  const { cert, key } = selfSigned(NAMES, new Date('2026-11-28T12:00:00Z'))
  const certificate = new X509Certificate(cert)
  expect(certificate.subject).toBe('CN=portolan.example')
  expect(certificate.issuer).toBe(certificate.subject)
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.checkHost('portolan.example')).toBeDefined()
  for (const address of NAMES.slice(1)) expect(certificate.checkIP(address)).toBeDefined()
  expect(certificate.checkIP('10.1.2.4')).toBeUndefined()
  expect(certificate.checkHost('other.example')).toBeUndefined()
  expect(Date.parse(certificate.validFrom)).toBe(Date.parse('2026-11-27T12:00:00Z'))
  expect(Date.parse(certificate.validTo)).toBe(Date.parse('2036-11-25T12:00:00Z'))
  expect(key).toContain('PRIVATE KEY')
})

test('years from 2050 on have another form', () => {
  const { cert } = selfSigned(['a'], new Date('2045-01-01T00:00:00Z'))
  expect(new Date(new X509Certificate(cert).validTo).getUTCFullYear()).toBe(2054)
})

test('no two are alike', () => {
  const [first, second] = [1, 2].map(() => new X509Certificate(selfSigned(['a'], new Date()).cert))
  expect(first!.serialNumber).not.toBe(second!.serialNumber)
  expect(first!.fingerprint256).not.toBe(second!.fingerprint256)
})

test('a listener with `generate: true` is what a client that trusts its certificate accepts, by name and by address', async () => {
  const tls = openServerTls(serverTls().parse({ generate: true }), silentLogger)
  const secure = tls.server(10_000)
  const server = createServer(socket => secure.emit('connection', socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const unverified = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(unverified, 'secureConnect')
    expect(unverified.authorized).toBe(false)
    const ca = new X509Certificate(unverified.getPeerCertificate().raw).toString()
    unverified.destroy()
    for (const target of [{ servername: 'localhost' }, {}]) {
      const verified = connect({ host: '127.0.0.1', port, ca, ...target })
      await once(verified, 'secureConnect')
      expect(verified.authorized).toBe(true)
      verified.destroy()
    }
  } finally {
    server.close()
    tls.close()
  }
})

test('one that is kept stays the same until it names others, ends or loses its key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-tls-'))
  try {
    const now = new Date('2026-11-28T12:00:00Z')
    const kept = (names: string[], time = now) => keptCertificate(join(folder, 'tls'), names, time)
    const first = kept(['localhost', '127.0.0.1', '*.s3.localhost'])
    expect(kept(['localhost', '127.0.0.1', '*.s3.localhost'])).toEqual(first)
    expect(readFileSync(join(folder, 'tls/certificate.pem'), 'latin1')).toBe(first.cert)
    expect(statSync(join(folder, 'tls/key.pem')).mode & 0o777).toBe(0o600)
    const other = kept(['localhost', 'other.example'])
    expect(other.cert).not.toBe(first.cert)
    const late = kept(['localhost'], new Date('2036-11-20T12:00:00Z'))
    expect(late.cert).not.toBe(other.cert)
    rmSync(join(folder, 'tls/key.pem'))
    const again = kept(['localhost'], new Date('2036-11-20T12:00:00Z'))
    expect(again.cert).not.toBe(late.cert)
    writeFileSync(join(folder, 'tls/key.pem'), late.key)
    expect(kept(['localhost'], new Date('2036-11-20T12:00:00Z')).key).not.toBe(late.key)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
