/** What `check` says of configurations of S3, and that a reload sees every backend that a listener uses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { protocols } from '../../../listeners/index.ts'
import { backendKinds } from '../../../src/backends/index.ts'
import { componentKinds } from '../../../src/components/index.ts'
import { type ConfigError, loadConfig } from '../../../src/config/index.ts'

const registry = { protocols, backendKinds, componentKinds }

const folder = mkdtempSync(join(tmpdir(), 'portolan-s3-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function load(text: string) {
  const path = join(folder, 'portolan.yaml')
  writeFileSync(path, text)
  return loadConfig([path], registry)
}
const problems = (text: string) =>
  load(text).then(
    () => [],
    (error: ConfigError) => error.problems.map(({ path, message, line }) => `${line} ${path} ${message}`),
  )

const LISTENER = 'listeners:\n  s:\n    protocol: s3\n    address: 127.0.0.1:0\n    backend: files\n'
const BACKENDS =
  'backends:\n  files: { protocol: s3, embedded: true }\n  old: { protocol: s3, embedded: { dataDirectory: old } }\n  cache: { protocol: redis, endpoints: [127.0.0.1:6379] }\n'

test('backends of routes must exist, and be of S3', async () => {
  const text = `${LISTENER}    routes:\n      - { buckets: [a], backend: fils }\n      - { buckets: [b], readFallback: [old, cache] }\n${BACKENDS}`
  expect(await problems(text)).toEqual([
    '7 listeners.s.routes[0].backend names no backend',
    '8 listeners.s.routes[1].readFallback[1] must name a s3 backend; cache speaks redis',
  ])
})

test('and are told to who has to follow when they change', async () => {
  const text = `${LISTENER}    routes: [{ buckets: [a], backend: old, readFallback: [files, old] }]\n${BACKENDS}`
  const loaded = await load(text)
  expect(loaded.config.listeners[0]!.otherBackends).toEqual(['old', 'files'])
})

test('an id of a key is there once', async () => {
  const key = '{ accessKeyId: a, secretAccessKey: { env: A } }'
  expect(await problems(`${LISTENER}    keys: [${key}, ${key}]\n${BACKENDS}`)).toEqual([
    '6 listeners.s.keys[1].accessKeyId is the id of another key already',
  ])
})

test('a route names keys that there are', async () => {
  const key = 'keys: [{ accessKeyId: a, secretAccessKey: { env: A } }]'
  expect(await problems(`${LISTENER}    ${key}\n    routes: [{ keys: [a, b], buckets: [x] }]\n${BACKENDS}`)).toEqual([
    '7 listeners.s.routes[0].keys[1] is no id of `keys`',
  ])
})

test('assume-role needs its role', async () => {
  const backends =
    'backends:\n  files:\n    protocol: s3\n    endpoint: https://s3.amazonaws.com\n    credentials: { provider: assume-role }\n'
  const [problem] = await problems(LISTENER + backends)
  expect(problem).toMatch(/credentials.*is needed with assume-role/)
})

test.each(['http://169.254.169.254', 'http://[fd00:ec2::23]/', 'http://Metadata.Google.Internal:80'])(
  'aws-sigv4-proxy: what gives out credentials is no store: %s',
  async endpoint => {
    const backends = `backends:\n  files: { protocol: s3, endpoint: "${endpoint}" }\n`
    expect(await problems(LISTENER + backends)).toEqual([
      '7 backends.files.endpoint is where a cloud gives out credentials, and no store',
    ])
  },
)

test('a listener that others reach has keys, certificates, or the word of who runs it', async () => {
  const open = LISTENER.replace('127.0.0.1', '0.0.0.0')
  expect(await problems(open + BACKENDS)).toEqual([expect.stringMatching(/address can be reached from other machines/)])
  for (const line of ['keys: [{ accessKeyId: a, secretAccessKey: { env: A } }]', 'allowUnauthenticated: true'])
    expect(await problems(`${open}    ${line}\n${BACKENDS}`)).toEqual([])
})
