/** Credentials from the places where AWS keeps them, by its own package: got, renewed, kept, and missed. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CredentialSource } from '../../../src/backends/s3/credentials.ts'
import { openExposition } from '../../../src/observability/exposition.ts'
import type { LogFields, Logger } from '../../../src/observability/logger.ts'
import { AUTHORIZATION, AwsCredentialsFake, ROLE, stsError } from '../../support/aws-credentials-fake.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { RecordingService } from '../../support/recording-service.ts'
import { S3Rig } from '../../support/s3-rig.ts'

const loaded = vi.hoisted(() => ({ count: 0 }))
vi.mock('../../../src/backends/s3/aws-sdk.ts', async original => {
  const real = await original<typeof import('../../../src/backends/s3/aws-sdk.ts')>()
  const loadCredentialProviders = () => {
    loaded.count++
    return real.loadCredentialProviders()
  }
  return { ...real, loadCredentialProviders }
})

const lines: string[] = []
const log = (fields: LogFields, message: string) => void lines.push(JSON.stringify({ ...fields, message }))
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger }

const fake = new AwsCredentialsFake()
const cleanups: (() => unknown)[] = []
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-aws-'))
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', folder)
  vi.stubEnv('AWS_REGION', 'us-east-1')
  await fake.start()
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await fake.stop()
  fake.given.splice(0)
  fake.failure = undefined
  lines.splice(0)
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

function write(path: string, text: string): string {
  const file = join(folder, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  return file
}

type Options = ConstructorParameters<typeof CredentialSource>[1]

function source(options: Options, clock: ManualClock, region = 'us-east-1'): CredentialSource {
  const rig = new S3Rig(clock, logger)
  const made = new CredentialSource('b', options, region, 60_000, rig.runtime)
  cleanups.push(() => made.close())
  return made
}

interface Place {
  readonly options: Options
  readonly prepare: () => void
}

const START = 'https://login.example/start'
const PLACES: Readonly<Record<string, Place>> = {
  'a container of ECS': {
    options: { provider: 'container' },
    prepare() {
      vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${fake.url}/container`)
      vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', AUTHORIZATION)
    },
  },
  'a pod of EKS': {
    options: { provider: 'container' },
    prepare() {
      vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${fake.url}/container`)
      vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', write('pod-token', AUTHORIZATION))
    },
  },
  'an instance, by IMDS v2': {
    options: { provider: 'imds' },
    prepare: () => vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', fake.url),
  },
  'a web identity, by STS': {
    options: { provider: 'web-identity' },
    prepare() {
      vi.stubEnv('AWS_ENDPOINT_URL_STS', fake.url)
      vi.stubEnv('AWS_ROLE_ARN', ROLE)
      vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', write('web-token', fake.webToken))
    },
  },
  'a role, by STS': {
    options: { provider: 'assume-role', roleArn: ROLE },
    prepare() {
      vi.stubEnv('AWS_ENDPOINT_URL_STS', fake.url)
      vi.stubEnv('AWS_ACCESS_KEY_ID', 'base-id')
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'base-hush')
    },
  },
  'a login, by SSO': {
    options: { provider: 'sso', profile: 'dev' },
    prepare() {
      vi.stubEnv('AWS_ENDPOINT_URL_SSO', fake.url)
      const account = 'sso_account_id = 1\nsso_role_name = reader\nsso_region = us-east-1'
      write('.aws/config', `[profile dev]\nsso_start_url = ${START}\n${account}\n`)
      const token = { accessToken: 'token of the login', expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
      write(`.aws/sso/cache/${createHash('sha1').update(START).digest('hex')}.json`, JSON.stringify(token))
    },
  },
  'wherever the SDK finds them': {
    options: { provider: 'default' },
    prepare() {
      vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${fake.url}/container`)
      vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', AUTHORIZATION)
    },
  },
}

describe.each(Object.entries(PLACES))('of %s', (_, { options, prepare }) => {
  test('are got when they are asked for, renewed ahead of their end, and kept while nothing better comes', async () => {
    prepare()
    const clock = new ManualClock()
    const before = loaded.count
    const credentials = source(options, clock)
    clock.advance(60_000)
    expect([loaded.count, credentials.current, fake.given]).toEqual([before, undefined, []])

    const first = { accessKeyId: 'id-1', secretAccessKey: 'hush-1', sessionToken: 'token-1' }
    expect(await credentials.wait()).toMatchObject(first)
    // Five minutes before their end, and not much sooner: the end is told in whole seconds.
    clock.advance(fake.lifeMs - 5 * 60_000 - 10_000)
    expect(fake.given).toHaveLength(1)
    clock.advance(10_000)
    await vi.waitFor(() => expect(credentials.current).toMatchObject({ accessKeyId: 'id-2', sessionToken: 'token-2' }))

    fake.failure = stsError('ExpiredToken')
    clock.advance(fake.lifeMs)
    await vi.waitFor(() => expect(lines.join('\n')).toMatch(/the last ones stay/), { timeout: 20_000 })
    expect(credentials.current).toMatchObject({ accessKeyId: 'id-2' })
    expect(await credentials.wait()).toBe(credentials.current)

    fake.failure = undefined
    clock.advance(5000)
    await vi.waitFor(() => expect(credentials.current).toMatchObject({ accessKeyId: 'id-3' }), { timeout: 20_000 })
    expect(lines.join('\n')).not.toMatch(/hush|token-|token of/)
  }, 60_000)
})

test.each<[Options & { provider: string }, RegExp]>([
  [{ provider: 'environment' }, /environment variable/],
  [{ provider: 'ini', profile: 'nobody' }, /nobody/],
  [{ provider: 'container' }, /AWS_CONTAINER_CREDENTIALS_FULL_URI/],
  [{ provider: 'imds' }, /EC2|instance metadata|ECONNREFUSED/],
  [{ provider: 'web-identity' }, /[Ww]eb identity/],
  [{ provider: 'sso', profile: 'nobody' }, /nobody/],
  [{ provider: 'assume-role', roleArn: ROLE }, /credentials/],
  [{ provider: 'default' }, /Could not load credentials/],
])('where there are none it is said: %j', async (options, words) => {
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', 'http://127.0.0.1:1')
  const missing = source(options, new ManualClock()).wait()
  await expect(missing).rejects.toMatchObject({
    code: 'secret-unavailable',
    message: expect.stringMatching(new RegExp(`^backend b has no credentials: .*${words.source}`, 's')),
  })
})

test('a file that has changed is read anew', async () => {
  const file = (id: string) => write('.aws/credentials', `[team]\naws_access_key_id=${id}\naws_secret_access_key=s\n`)
  file('old')
  const credentials = source({ provider: 'ini', profile: 'team' }, new ManualClock())
  expect((await credentials.wait()).accessKeyId).toBe('old')
  file('new')
  expect((await credentials.renew()).accessKeyId).toBe('new')
})

test('of an answer that is no JSON nothing is repeated', async () => {
  PLACES['an instance, by IMDS v2']!.prepare()
  fake.failure = { body: '{"AccessKeyId":"id","SecretAccessKey":hush-1}' }
  const credentials = source({ provider: 'imds' }, new ManualClock())
  const reason = await credentials.wait().catch((error: Error) => error.message)
  expect(reason).toBe('backend b has no credentials: what came is no JSON')
})

test('a request is signed with them, and neither log nor metrics tell them', async () => {
  PLACES['a pod of EKS']!.prepare()
  const service = await RecordingService.start()
  const rig = new S3Rig(undefined, logger)
  cleanups.push(
    () => service.close(),
    () => rig.close(),
  )
  await rig.backend('b', {
    endpoint: service.url,
    credentials: { provider: 'container' },
    healthCheck: { interval: 0 },
  })
  await rig.start()
  await rig.client().send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }))
  const { headers } = service.taken()
  expect(headers['authorization']).toMatch(/Credential=id-1\/.*SignedHeaders=[^,]*x-amz-security-token/)
  expect(headers['x-amz-security-token']).toBe('token-1')
  const metrics = await openExposition(rig.metrics).render()
  expect(metrics).toContain('portolan_upstream_connects_total')
  expect(`${metrics}${lines.join('\n')}`).not.toMatch(/hush|token-1|token of/)
})

test('a request that finds none is answered, and the next one served once they are there', async () => {
  PLACES['an instance, by IMDS v2']!.prepare()
  fake.failure = { status: 404 }
  const service = await RecordingService.start()
  const rig = new S3Rig(undefined, logger)
  cleanups.push(
    () => service.close(),
    () => rig.close(),
  )
  await rig.backend('b', { endpoint: service.url, credentials: { provider: 'imds' }, healthCheck: { interval: 0 } })
  await rig.start()
  const get = () => rig.client().send(new GetObjectCommand({ Bucket: 'bucket', Key: 'k' }))
  await expect(get()).rejects.toMatchObject({ name: expect.stringMatching(/ServiceUnavailable|SlowDown/) })
  expect(service.requests).toEqual([])
  fake.failure = undefined
  await get()
  expect(service.taken().headers['authorization']).toContain('Credential=id-1/')
})

test.each([
  ['of the bucket', undefined, 'cn-north-1'],
  ['that the environment names', 'cn-northwest-1', 'cn-northwest-1'],
])('STS is asked in the region %s', async (_, named, expected) => {
  const { options, prepare } = PLACES['a role, by STS']!
  prepare()
  vi.stubEnv('AWS_REGION', named)
  await source(options, new ManualClock(), 'cn-north-1').wait()
  expect(fake.region).toBe(expected)
})
