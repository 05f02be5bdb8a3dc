// Debian's programs for S3 (awscli, s3cmd, rclone, restic, s3fs) and boto3: round trips of odd keys and sizes.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cases } from '../cases.mjs'

const { INTEROP_S3_ENDPOINT: endpoint, INTEROP_S3_KEY: key, INTEROP_S3_SECRET: secret } = process.env
const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
const bucket = `cli-${randomUUID()}`
const env = {
  ...process.env,
  PYTHONPATH: '',
  HOME: dir,
  AWS_ACCESS_KEY_ID: key,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_CA_BUNDLE: undefined,
  RESTIC_PASSWORD: 'password',
  RCLONE_CONFIG_S_TYPE: 's3',
  RCLONE_CONFIG_S_PROVIDER: 'Other',
  RCLONE_CONFIG_S_ENV_AUTH: 'true',
  RCLONE_CONFIG_S_ENDPOINT: endpoint,
  RCLONE_CONFIG_S_REGION: 'us-east-1',
}
function run(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, cwd: dir, maxBuffer: 64 << 20 })
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error ?? ''}${stdout}${stderr}`.slice(0, 1_000))
  return stdout
}
const aws = (...args) => run('/usr/bin/aws', '--endpoint-url', endpoint, ...args)
const s3cmd = (...args) =>
  run(
    '/usr/bin/s3cmd',
    '--no-ssl',
    `--host=${endpoint.slice(7)}`,
    `--host-bucket=${endpoint.slice(7)}`,
    `--access_key=${key}`,
    `--secret_key=${secret}`,
    '--region=us-east-1',
    '--no-preserve',
    ...args,
  )

const SIZES = { empty: 0, one: 1, large: 5 * (1 << 20) - 1, several: 20 << 20 }
mkdirSync(join(dir, 'files'))
for (const [name, size] of Object.entries(SIZES)) writeFileSync(join(dir, 'files', name), randomBytes(size))
const same = (path, name) => assert.ok(readFileSync(path).equals(readFileSync(join(dir, 'files', name))), path)
const ODD = ['a//b', 'x/../y', 'a%2Fb', 'a+b', 'a b', 'smile-😀', `${'k'.repeat(200)}/`.repeat(5) + 'x'.repeat(19)]

aws('s3', 'mb', `s3://${bucket}`)
const BOTO = `
import boto3, sys, os
from botocore.config import Config
s3 = boto3.client('s3', endpoint_url=sys.argv[1], config=Config(signature_version='s3v4', retries={'max_attempts': 0}, s3={'addressing_style': 'path'}))
bucket, keys = sys.argv[2], sys.argv[3:]
for key in keys:
    for body in (b'', b'x', os.urandom(300000)):
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        assert s3.get_object(Bucket=bucket, Key=key)['Body'].read() == body, key
    assert [o['Key'] for o in s3.list_objects_v2(Bucket=bucket, Prefix=key)['Contents']] == [key], key
s3.upload_file('files/several', bucket, 'managed')
s3.download_file(bucket, 'managed', 'managed')
assert open('managed', 'rb').read() == open('files/several', 'rb').read()
s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': key} for key in keys]})
assert all('Contents' not in s3.list_objects_v2(Bucket=bucket, Prefix=key) for key in keys)
`

await cases({
  'awscli: cp of each size': async () => {
    for (const name of Object.keys(SIZES)) {
      aws('s3', 'cp', `files/${name}`, `s3://${bucket}/aws/${name}`)
      aws('s3', 'cp', `s3://${bucket}/aws/${name}`, 'back')
      same(join(dir, 'back'), name)
    }
  },
  'awscli: odd keys': async () => {
    for (const odd of ODD) {
      aws('s3api', 'put-object', '--bucket', bucket, '--key', odd, '--body', 'files/one')
      aws('s3api', 'get-object', '--bucket', bucket, '--key', odd, 'back')
      same(join(dir, 'back'), 'one')
    }
  },
  'awscli: sync, presign, rm --recursive': async () => {
    aws('s3', 'sync', 'files', `s3://${bucket}/sync`)
    aws('s3', 'sync', `s3://${bucket}/sync`, 'synced')
    for (const name of Object.keys(SIZES)) same(join(dir, 'synced', name), name)
    const url = String(aws('s3', 'presign', `s3://${bucket}/sync/large`)).trim()
    const got = Buffer.from(await (await fetch(url)).arrayBuffer())
    assert.ok(got.equals(readFileSync(join(dir, 'files/large'))))
    aws('s3', 'rm', '--recursive', `s3://${bucket}/sync`)
    assert.equal(
      String(
        aws('s3api', 'list-objects-v2', '--bucket', bucket, '--prefix', 'sync/', '--query', 'length(Contents || `[]`)'),
      ).trim() || '0',
      '0',
    )
  },
  'boto3: odd keys, sizes, managed transfer, delete_objects': async () => {
    run('/usr/bin/python3', '-c', BOTO, endpoint, bucket, ...ODD)
  },
  's3cmd: put, get, ls, cp, mv, sync, del': async () => {
    for (const name of Object.keys(SIZES)) {
      s3cmd('put', `files/${name}`, `s3://${bucket}/s3cmd/${name} +%2F😀`)
      s3cmd('get', '--force', `s3://${bucket}/s3cmd/${name} +%2F😀`, 'back')
      same(join(dir, 'back'), name)
    }
    s3cmd('cp', `s3://${bucket}/s3cmd/one +%2F😀`, `s3://${bucket}/s3cmd/copy`)
    s3cmd('mv', `s3://${bucket}/s3cmd/copy`, `s3://${bucket}/s3cmd/moved`)
    s3cmd('sync', 'files/', `s3://${bucket}/s3cmd/sync/`)
    assert.match(String(s3cmd('ls', `s3://${bucket}/s3cmd/`)), /moved/)
    s3cmd('del', '--recursive', '--force', `s3://${bucket}/s3cmd/`)
    assert.equal(String(s3cmd('ls', `s3://${bucket}/s3cmd/`)).trim(), '')
  },
  'rclone: copy and check': async () => {
    for (const name of ['a+b', 'a b', 'a%2Fb', 'smile-😀']) writeFileSync(join(dir, 'files', name), name)
    run('rclone', 'copy', 'files', `s:${bucket}/rclone`)
    run('rclone', 'check', '--download', 'files', `s:${bucket}/rclone`)
    run('rclone', 'purge', `s:${bucket}/rclone`)
  },
  'restic: backup, check, restore': async () => {
    const repository = ['-r', `s3:${endpoint}/${bucket}/restic`, '--no-cache']
    run('restic', ...repository, 'init')
    run('restic', ...repository, 'backup', 'files')
    run('restic', ...repository, 'check', '--read-data')
    run('restic', ...repository, 'restore', 'latest', '--target', 'restored')
    for (const name of Object.keys(SIZES)) same(join(dir, 'restored/files', name), name)
  },
  's3fs: write, read, rename, list': async after => {
    assert.ok(existsSync('/dev/fuse'), 'no FUSE')
    const mount = join(dir, 'mount')
    mkdirSync(mount)
    run('s3fs', bucket, mount, '-o', `url=${endpoint},use_path_request_style,sigv4,endpoint=us-east-1`)
    after(() => run('fusermount', '-u', mount))
    for (const name of Object.keys(SIZES)) {
      writeFileSync(join(mount, `fs ${name}`), readFileSync(join(dir, 'files', name)))
      run('mv', join(mount, `fs ${name}`), join(mount, `moved-${name}`))
      same(join(mount, `moved-${name}`), name)
    }
    assert.match(String(run('ls', mount)), /moved-several/)
  },
})
