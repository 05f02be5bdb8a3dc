import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SecretsStore } from '../../../src/apis/index.ts'
import { vaultSecrets } from '../../../src/components/secrets/vault.ts'
import { secretsConformance } from '../../conformance/secrets.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { VaultFake } from '../../support/vault-fake.ts'
import { openStore } from '../open.ts'

process.env.VAULT_TEST_TOKEN = 'root'
const token = { token: { env: 'VAULT_TEST_TOKEN' } }

describe('with a token', () => {
  const vault = new VaultFake()
  beforeAll(() => vault.http.start())
  afterAll(() => vault.http.stop())

  secretsConformance({
    features: vaultSecrets.features,
    open: () => openStore(vaultSecrets, { address: vault.http.url, auth: token, prefix: 'team/app-' }),
    oddNames: ['/in/folders', ' with space', '?query=1', '#hash', '%41', 'Grüße'],
    restart: { stop: () => vault.http.stop(), start: () => vault.http.start() },
    async put(name, values) {
      if (values) vault.put(`team/app-${name}`, values)
      else vault.delete(`team/app-${name}`)
    },
  })
})

describe('around the secrets', () => {
  let vault: VaultFake
  let clock: ManualClock
  let store: SecretsStore | undefined
  const dir = mkdtempSync(join(tmpdir(), 'vault-'))
  const tokenFile = join(dir, 'token')
  const kubernetes = { kubernetes: { role: 'app', tokenFile } }

  beforeEach(async () => {
    process.env.VAULT_TEST_TOKEN = 'root'
    writeFileSync(tokenFile, 'service-account-token\n')
    clock = new ManualClock()
    vault = new VaultFake()
    vault.put('db', { user: 'ada', port: 5432, tags: ['x'] })
    await vault.http.start()
  })
  afterEach(async () => {
    await store?.close()
    await vault.http.stop()
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  const open = async (options: object) =>
    (store = await openStore(vaultSecrets, { address: vault.http.url, ...options }, { clock }))

  test('values that are no texts are written as JSON', async () => {
    expect((await (await open({ auth: token })).get('db'))?.values).toEqual({
      user: 'ada',
      port: '5432',
      tags: '["x"]',
    })
  })

  test('a pod logs in with its service account, once, and again with the file as it is when the token is gone', async () => {
    const { get } = bound(await open({ auth: kubernetes }))
    expect(await Promise.all([get('db'), get('db')])).toHaveLength(2)
    expect(vault.logins).toEqual([{ jwt: 'service-account-token', role: 'app' }])
    vault.tokens.delete('login-1')
    writeFileSync(tokenFile, 'rotated')
    expect(await get('db')).toMatchObject({ version: '1' })
    expect(vault.logins.slice(1)).toEqual([{ jwt: 'rotated', role: 'app' }])
  })

  test('a token is renewed at half of its life', async () => {
    vault.loginTtl = 60
    const { get } = bound(await open({ auth: kubernetes }))
    await get('db')
    clock.advance(29_999)
    await get('db')
    expect(vault.renewals).toEqual([])
    clock.advance(1)
    await expect.poll(() => vault.renewals).toEqual(['login-1'])
    // Only once the answer is there the next renewal is due.
    const later = () => {
      clock.advance(30_000)
      return vault.renewals.length
    }
    await expect.poll(later).toBeGreaterThan(1)
    expect(vault.logins).toHaveLength(1)
  })

  test('a configured token is renewed too when it can be', async () => {
    vault.tokens.set('periodic', { ttl: 100, renewable: true })
    process.env.VAULT_TEST_TOKEN = 'periodic'
    await (await open({ auth: token })).get('db')
    clock.advance(50_000)
    await expect.poll(() => vault.renewals).toEqual(['periodic'])
  })

  test('a configured token that is refused is read again', async () => {
    const { get } = bound(await open({ auth: token }))
    await get('db')
    vault.tokens.delete('root')
    vault.tokens.set('rotated', { ttl: 0, renewable: false })
    await expect(get('db')).rejects.toMatchObject({ code: 'denied' })
    process.env.VAULT_TEST_TOKEN = 'rotated'
    expect(await get('db')).toMatchObject({ version: '1' })
  })

  test('what the policy forbids is denied, without another login', async () => {
    vault.put('forbidden', { a: '1' })
    vault.forbidden.add('forbidden')
    const { get } = bound(await open({ auth: kubernetes }))
    await expect(get('forbidden')).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('permission'),
    })
    expect(vault.logins).toHaveLength(1)
  })

  test('a login that is refused says why, and neither token nor role is tried again at once', async () => {
    const { get } = bound(await open({ auth: { kubernetes: { role: 'other', tokenFile } } }))
    await expect(get('db')).rejects.toMatchObject({ message: expect.stringContaining('invalid role name') })
    expect(vault.logins).toHaveLength(1)
    rmSync(tokenFile)
    await expect(get('db')).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('ENOENT') })
  })

  test('a namespace goes with every request', async () => {
    vault.namespace = 'team/a'
    expect(await (await open({ auth: kubernetes, namespace: 'team/a' })).get('db')).toMatchObject({ version: '1' })
  })

  test('the check tells the version, that Vault is sealed, and that the token is not good', async () => {
    const { check } = bound(await open({ auth: token }))
    expect(await check(1_000)).toEqual({ version: 'Vault 1.21.4', facts: { cluster: 'fake' } })
    vault.sealed = true
    await expect(check(1_000)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('sealed'),
    })
    vault.sealed = false
    vault.tokens.clear()
    await expect(check(1_000)).rejects.toMatchObject({ code: 'denied' })
  })

  test('names that would lead elsewhere are no names', async () => {
    vault.put('a/b', { x: '1' })
    const { get } = bound(await open({ auth: token }))
    for (const name of ['../db', 'a/../db', 'a//b', '/a/b', 'a/b/', './db'])
      expect(await get(name), name).toBeUndefined()
    expect(await get('a/b')).toMatchObject({ values: { x: '1' } })
  })

  function bound(each: SecretsStore) {
    return { get: each.get.bind(each), check: each.check.bind(each) }
  }
})
