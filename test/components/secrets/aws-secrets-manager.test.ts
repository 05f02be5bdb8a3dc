import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { SecretsStore } from '../../../src/apis/index.ts'
import { awsSecretsManager } from '../../../src/components/secrets/aws-secrets-manager.ts'
import { secretsConformance } from '../../conformance/secrets.ts'
import { SecretsManagerFake } from '../../support/secrets-manager-fake.ts'
import { openStore } from '../open.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: { env: 'AWS_TEST_SECRET' } }
process.env.AWS_TEST_SECRET = 'right'

describe.each([true, false])('multiValued: %s', multiValued => {
  const fake = new SecretsManagerFake()
  beforeAll(() => fake.http.start())
  afterAll(() => fake.http.stop())
  const { features } = awsSecretsManager

  secretsConformance({
    features: features.filter(feature => multiValued || feature !== 'secrets.multi-value'),
    open: () =>
      openStore(awsSecretsManager, {
        region: fake.region,
        endpoint: fake.http.url,
        credentials,
        prefix: 'team/app-',
        multiValued,
      }),
    oddNames: ['/in/folders', '_under.dots@at+plus=', '-'],
    // A JSON object would be several values.
    oddValues: ['a||b', 'Grüße-日本語-🚀', '[1]', '"x"', '{}', '{"broken', 'x'.repeat(65_536)],
    restart: { stop: () => fake.http.stop(), start: () => fake.http.start() },
    async put(name, values) {
      if (!values) return void fake.secrets.delete(`team/app-${name}`)
      const isSingle = Object.keys(values).join() === name
      fake.put(`team/app-${name}`, { SecretString: isSingle ? values[name]! : JSON.stringify(values) })
    },
  })
})

describe('around the secrets', () => {
  let fake: SecretsManagerFake
  let store: SecretsStore | undefined

  beforeEach(async () => {
    process.env.AWS_TEST_SECRET = 'right'
    fake = new SecretsManagerFake()
    await fake.http.start()
  })
  afterEach(async () => {
    await store?.close()
    await fake.http.stop()
  })

  const open = async (more: object = {}) =>
    (store = await openStore(awsSecretsManager, { region: fake.region, endpoint: fake.http.url, credentials, ...more }))

  test('more secrets than a page and a batch hold are all listed', async () => {
    for (let i = 0; i < 230; i++) fake.put(`secret-${i}`, { SecretString: String(i) })
    const listed = await (await open()).list!()
    expect(listed.map(({ name }) => name)).toEqual([...fake.secrets.keys()])
    expect(fake.calls.filter(call => call === 'ListSecrets')).toHaveLength(3)
    expect(fake.calls.filter(call => call === 'BatchGetSecretValue')).toHaveLength(12)
  })

  test('a stage is a version too; binary secrets are base64', async () => {
    fake.put('staged', { SecretString: 'old' })
    fake.put('staged', { SecretBinary: Buffer.from([0, 255]).toString('base64') })
    const each = await open()
    expect((await each.get('staged', 'AWSPREVIOUS'))?.values).toEqual({ staged: 'old' })
    expect((await each.get('staged'))?.values).toEqual({ staged: 'AP8=' })
  })

  test('members of a JSON object are texts', async () => {
    fake.put('db', { SecretString: '{"user":"ada","port":5432,"tls":{"on":true}}' })
    const secret = await (await open({ multiValued: true })).get('db')
    expect(secret?.values).toEqual({ user: 'ada', port: '5432', tls: '{"on":true}' })
  })

  test.each([
    ['AccessDeniedException', 'denied'],
    ['ThrottlingException', 'exhausted'],
    ['ValidationException', 'invalid-argument'],
    ['InternalServiceErrorException', 'unavailable'],
    ['DecryptionFailure', 'internal'],
  ])('%s is %s', async (type, code) => {
    fake.refusals.push(type)
    const message = `AWS refused GetSecretValue with ${type}`
    await expect((await open()).get('x')).rejects.toMatchObject({ code, message })
  })

  test('a wrong key is denied; a temporary one is read again when it has ended', async () => {
    process.env.AWS_TEST_SECRET = 'wrong'
    fake.put('x', { SecretString: 'v' })
    await expect((await open()).get('x')).rejects.toMatchObject({ code: 'denied' })
    process.env.AWS_TEST_SECRET = 'right'
    process.env.AWS_TEST_SESSION = 'first'
    fake.key.sessionToken = 'first'
    const temporary = await open({ credentials: { ...credentials, sessionToken: { env: 'AWS_TEST_SESSION' } } })
    expect(await temporary.get('x')).toBeDefined()
    fake.key.sessionToken = 'second'
    await expect(temporary.get('x')).rejects.toMatchObject({ code: 'denied' })
    process.env.AWS_TEST_SESSION = 'second'
    expect(await temporary.get('x')).toBeDefined()
  })

  test('without a key the environment is asked, as the AWS SDKs do', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'right' })
    fake.put('x', { SecretString: 'v' })
    const found = await openStore(awsSecretsManager, { region: fake.region, endpoint: fake.http.url })
    expect((await found.get('x'))?.values).toEqual({ x: 'v' })
    await found.close()
    delete process.env.AWS_ACCESS_KEY_ID
    delete process.env.AWS_SECRET_ACCESS_KEY
  })

  test('the check tells what the key does not allow', async () => {
    const each = await open({ multiValued: true })
    expect((await each.check(1_000)).lacks).toEqual({})
    fake.denied.add('ListSecrets')
    expect((await each.check(1_000)).lacks).toEqual({ 'secrets.bulk': expect.stringContaining('ListSecrets') })
    process.env.AWS_TEST_SECRET = 'wrong'
    await expect((await open()).check(1_000)).rejects.toMatchObject({ code: 'denied' })
  })
})
