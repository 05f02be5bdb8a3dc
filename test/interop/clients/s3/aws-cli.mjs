// The current awscli over TLS, where it sends checksums behind the body (STREAMING-UNSIGNED-PAYLOAD-TRAILER).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cases } from '../cases.mjs'

const { INTEROP_S3_ENDPOINT: endpoint, INTEROP_S3_KEY: key, INTEROP_S3_SECRET: secret, INTEROP_S3_CA: ca } = process.env
const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
const settings = {
  HOME: dir,
  AWS_ACCESS_KEY_ID: key,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_CA_BUNDLE: ca,
  AWS_MAX_ATTEMPTS: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
}
const aws = (args, input = '', environment = {}) =>
  execFileSync('python3', ['-m', 'awscli', '--endpoint-url', endpoint, ...args], {
    cwd: dir,
    env: { ...process.env, ...settings, ...environment },
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  })
const bucket = `interop-${randomUUID()}`
const api = (operation, ...args) => aws(['s3api', operation, '--bucket', bucket, ...args])
const url = name => `s3://${bucket}/${name}`
const stored = (name, bytes) =>
  assert.ok(aws(['s3', 'cp', url(name), '-']).equals(bytes), `${name} is not what was sent`)

const small = randomBytes(300_000)
const large = randomBytes(12 << 20)
mkdirSync(join(dir, 'files'))
writeFileSync(join(dir, 'files/small'), small)
writeFileSync(join(dir, 'files/large'), large)
aws(['s3', 'mb', `s3://${bucket}`])

await cases({
  'put-object': () => {
    api('put-object', '--key', 'put', '--body', 'files/small')
    stored('put', small)
  },
  'cp of a file': () => {
    aws(['s3', 'cp', 'files/small', url('cp')])
    stored('cp', small)
  },
  'cp of 12 MiB': () => {
    aws(['s3', 'cp', 'files/large', url('large')])
    stored('large', large)
  },
  'cp from standard input': () => {
    aws(['s3', 'cp', '-', url('stdin')], small)
    stored('stdin', small)
  },
  sync: () => {
    aws(['s3', 'sync', 'files', url('sync')])
    stored('sync/small', small)
    stored('sync/large', large)
  },
  // Of keys that are not there, as a store that breaks uploads could not have them.
  'delete-objects': () => {
    const { Deleted } = JSON.parse(api('delete-objects', '--delete', JSON.stringify({ Objects: [{ Key: 'nothing' }] })))
    assert.deepEqual(
      Deleted.map(({ Key }) => Key),
      ['nothing'],
    )
  },
  ls: () => assert.match(String(aws(['s3', 'ls'])), new RegExp(bucket)),
  'wrong secret': () => assert.throws(() => aws(['s3', 'ls'], '', { AWS_SECRET_ACCESS_KEY: 'wrong' })),
})
