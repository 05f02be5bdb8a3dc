/** What users get wrong about S3: `check --probe` says what, where and the next step. */
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RecordingService } from '../support/recording-service.ts'
import { KEY, S3Rig, SECRET } from '../support/s3-rig.ts'
import { probed } from './probed.ts'

const rig = new S3Rig()
const secure = new S3Rig()
let page: RecordingService
beforeAll(async () => {
  process.env['TEST_RIGHT'] = SECRET
  process.env['TEST_WRONG'] = 'other-secret'
  await rig.start()
  await rig.client().send(new CreateBucketCommand({ Bucket: 'there' }))
  await secure.start({ tls: { generate: true } })
  page = await RecordingService.start(response => response.writeHead(404).end('<html>no such page</html>'))
})
afterAll(async () => {
  await rig.close()
  await secure.close()
  await page.close()
})

const plain = () => ({ endpoint: `http://127.0.0.1:${rig.port}` })
const key = (env: string, accessKeyId = KEY) => ({ credentials: { accessKeyId, secretAccessKey: { env } } })
const listener = { keys: [{ accessKeyId: 'app', secretAccessKey: { env: 'TEST_RIGHT' } }] }

test('what is right passes', async () => {
  expect(await probed('s3', { ...plain(), ...key('TEST_RIGHT') }, listener)).not.toContain('×')
})

test.each<[string, () => object, RegExp]>([
  [
    'a wrong secret',
    () => ({ ...plain(), ...key('TEST_WRONG') }),
    /authenticate: SignatureDoesNotMatch.*\n +check `credentials\.secretAccessKey`/,
  ],
  [
    'an unknown key',
    () => ({ ...plain(), ...key('TEST_RIGHT', 'nobody') }),
    /authenticate: InvalidAccessKeyId.*\n +check `credentials\.accessKeyId`/,
  ],
  [
    'a secret that is not there',
    () => ({ ...plain(), ...key('TEST_NONE') }),
    /authenticate: .*environment variable TEST_NONE is not set\n +check `credentials`/,
  ],
  [
    'a bucket that is not there',
    () => ({ ...plain(), ...key('TEST_RIGHT'), buckets: { mine: { name: 'absent' } } }),
    /query: NotFound.*\n +check `buckets`: there is no bucket of that name/,
  ],
  [
    'https for a service that speaks http',
    () => ({ endpoint: `https://127.0.0.1:${rig.port}`, ...key('TEST_RIGHT') }),
    /tls: the service does not speak TLS there\n +write `http:\/\/` in `endpoint`/,
  ],
  [
    'http for a service that speaks https',
    () => ({ endpoint: `http://127.0.0.1:${secure.port}`, ...key('TEST_RIGHT') }),
    /query: the service closed the connection .*\n +check `endpoint`; .*`https:\/\/`/,
  ],
  [
    'a certificate of an unknown authority',
    () => ({ endpoint: `https://127.0.0.1:${secure.port}`, ...key('TEST_RIGHT') }),
    /tls: .*certificate.*\n +check `tls`: the authority/,
  ],
  [
    'a server of something else',
    () => ({ endpoint: page.url, ...key('TEST_RIGHT') }),
    /query: .*\n +check that `endpoint` is that of an S3 service/,
  ],
  [
    'a port where nothing listens',
    () => ({ endpoint: 'http://127.0.0.1:1', ...key('TEST_RIGHT') }),
    /connect: .*connection refused; nothing listens there\n +start the service, or correct the port/,
  ],
  [
    'a name that does not exist',
    () => ({ endpoint: 'http://no.such.host.invalid', ...key('TEST_RIGHT') }),
    /resolve: .*\n +check the spelling of the host name/,
  ],
])('of a backend: %s', async (_, backend, message) => {
  expect(await probed('s3', backend(), listener)).toMatch(message)
})

test.each<[string, () => object, object, RegExp]>([
  ['a scheme that is none', () => ({ endpoint: 's3://bucket' }), listener, /endpoint must be http:\/\/ or https:\/\//],
  ['no scheme', () => ({ endpoint: '127.0.0.1:9000' }), listener, /endpoint must be http:\/\/ or https:\/\//],
  ['a profile that nobody knows', () => ({ ...plain(), profile: 'minoi' }), listener, /did you mean "minio"\?/],
  [
    'a route to a backend that is not there',
    plain,
    { ...listener, routes: [{ buckets: ['a'], backend: 'nowhere' }] },
    /routes\[0\]\.backend.*nowhere/,
  ],
])('of the configuration: %s', async (_, backend, options, message) => {
  expect(await probed('s3', backend(), options)).toMatch(message)
})

test('of a client: TLS on a listener without it, and none on one with it', async () => {
  await expect(fetch(`https://127.0.0.1:${rig.port}`)).rejects.toThrow()
  await expect(fetch(`http://127.0.0.1:${secure.port}`)).rejects.toThrow()
})
