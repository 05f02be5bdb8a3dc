/** What requests are signed with: read when it is needed, kept while it cannot be renewed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { CredentialSource } from '../../../src/backends/s3/credentials.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { Metrics } from '../../../src/observability/metrics.ts'
import type { Runtime } from '../../../src/protocol.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function source(
  options: ConstructorParameters<typeof CredentialSource>[1],
  clock = new ManualClock(),
): CredentialSource {
  const runtime: Runtime = {
    backend: () => expect.unreachable(),
    components: new Map(),
    bindings: new Map(),
    inventory: () => ({ components: [], listeners: [] }),
    match: () => [],
    componentKinds: [],
    metrics: new Metrics(),
    logger: silentLogger,
    clock,
  }
  const made = new CredentialSource('b', options, 'us-east-1', 5000, runtime)
  cleanups.push(() => made.close())
  return made
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'portolan-credentials-'))
  cleanups.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a key of the configuration, with the token that belongs to it', async () => {
  vi.stubEnv('PORTOLAN_TEST_SECRET', 'hush')
  vi.stubEnv('PORTOLAN_TEST_TOKEN', 'token')
  const credentials = await source({
    accessKeyId: 'id',
    secretAccessKey: { env: 'PORTOLAN_TEST_SECRET' },
    sessionToken: { env: 'PORTOLAN_TEST_TOKEN' },
  }).wait()
  expect(credentials).toEqual({ accessKeyId: 'id', secretAccessKey: 'hush', sessionToken: 'token' })
})

test('a secret is read again when it is renewed, and the last one stays when it cannot be', async () => {
  const file = join(folder(), 'secret')
  writeFileSync(file, 'first')
  const credentials = source({ accessKeyId: 'id', secretAccessKey: { file } })
  expect((await credentials.wait()).secretAccessKey).toBe('first')
  writeFileSync(file, 'second')
  await credentials.renew()
  expect(credentials.current!.secretAccessKey).toBe('second')
  rmSync(file)
  await credentials.renew()
  expect(credentials.current!.secretAccessKey).toBe('second')
})

test('without any there is an error that says why, and never the secret', async () => {
  const credentials = source({ accessKeyId: 'id', secretAccessKey: { file: '/nowhere/secret' } })
  await expect(credentials.wait()).rejects.toMatchObject({
    code: 'secret-unavailable',
    retryable: true,
    message: expect.stringMatching(/^backend b has no credentials: .*\/nowhere\/secret/),
  })
})

test('who waits for the first ones waits no longer than the backend may take to connect', async () => {
  const clock = new ManualClock()
  const credentials = source({ accessKeyId: 'id', secretAccessKey: { command: ['sleep', '5'] } }, clock)
  const waited = credentials.wait()
  const outcome = expect(waited).rejects.toMatchObject({ code: 'secret-unavailable', message: /within 5000 ms/ })
  clock.advance(5000)
  await outcome
})

test.each([
  ['environment', { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'hush', AWS_SESSION_TOKEN: 'token' }],
  ['ini', {}],
] as const)('AWS’s own place for them: %s', async (provider, variables) => {
  const file = join(folder(), 'credentials')
  writeFileSync(file, '[team]\naws_access_key_id = id\naws_secret_access_key = hush\naws_session_token = token\n')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  const credentials = await source({ provider, profile: 'team' }).wait()
  expect(credentials).toMatchObject({ accessKeyId: 'id', secretAccessKey: 'hush', sessionToken: 'token' })
})
