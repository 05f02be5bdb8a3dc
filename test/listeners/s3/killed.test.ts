/** The whole program is killed while it stores objects: each is there whole, as its client was told or newer, or absent. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Program, type Running } from '../../cli/process.ts'

const WORKERS = 20
const ROUNDS = 50
const Bucket = 'bucket'

const program = new Program()
beforeAll(() => program.build(`import './src/main.ts'`))
afterAll(() => program.close())

const data = join(program.folder, 'data')
const config = program.write(
  'portolan.yaml',
  `admin: { address: 127.0.0.1:0 }
listeners:
  files:
    protocol: s3
    address: 127.0.0.1:0
    backend: store
    keys: [{ accessKeyId: id, secretAccessKey: { env: SECRET } }]
backends:
  store: { protocol: s3, embedded: { dataDirectory: ${data} } }
`,
)

async function started(): Promise<{ running: Running; client: S3Client }> {
  const running = program.start(['run', '-c', config], { SECRET: 'hush' })
  const client = new S3Client({
    endpoint: `http://${await running.address('files')}`,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'id', secretAccessKey: 'hush' },
  })
  return { running, client }
}

/** From nothing to 150 KB, and of no other version the same. */
const contentOf = (key: string, version: number) => Buffer.alloc((version * 7919) % 150_000, `${key} ${version}|`)

test('kill -9 of Portolan during a thousand PUTs', async () => {
  let { running, client } = await started()
  await client.send(new CreateBucketCommand({ Bucket }))
  for (const after of [30, 400, 800]) {
    /** The newest version that was answered. */
    const told = new Map<string, number>()
    let stored = 0
    const worker = async (id: number) => {
      for (let version = 1; version <= ROUNDS; version++) {
        const Key = `${after}/${id}/${version % 10}`
        const Metadata = { version: String(version) }
        await client.send(new PutObjectCommand({ Bucket, Key, Metadata, Body: contentOf(Key, version) }))
        told.set(Key, version)
        if (++stored === after) running.child.kill('SIGKILL')
      }
    }
    await Promise.allSettled(Array.from({ length: WORKERS }, (_, id) => worker(id)))
    expect(await running.code).toBe('SIGKILL')
    expect(stored).toBeLessThan(WORKERS * ROUNDS)
    client.destroy()
    ;({ running, client } = await started())
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `${after}/` }))
    const there = Contents.map(({ Key }) => Key!)
    expect(there).toEqual(expect.arrayContaining([...told.keys()]))
    for (const Key of there) {
      const got = await client.send(new GetObjectCommand({ Bucket, Key }))
      const version = Number(got.Metadata!['version'])
      expect(version, Key).toBeGreaterThanOrEqual(told.get(Key) ?? 1)
      const bytes = Buffer.from(await got.Body!.transformToByteArray())
      expect(bytes.equals(contentOf(Key, version)), `${Key} is version ${version}`).toBe(true)
    }
    expect(readdirSync(join(data, 'tmp'))).toEqual([])
  }
  client.destroy()
  running.child.kill('SIGKILL')
  await running.code
}, 120_000)

test('kill -9 within a part leaves the upload as it was, and it goes on', async () => {
  let { running, client } = await started()
  const Key = 'parts'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = (PartNumber: number, Body: Buffer) =>
    client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
  await part(1, Buffer.alloc(100_000, 'one'))
  const second = part(2, Buffer.alloc(64 * 1024 * 1024, 'two'))
  while (readdirSync(join(data, 'tmp')).length === 0) await new Promise(resolve => setImmediate(resolve))
  running.child.kill('SIGKILL')
  await expect(second).rejects.toThrow()
  client.destroy()
  ;({ running, client } = await started())
  const { Parts } = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  expect(Parts!.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([[1, 100_000]])
  expect((await part(2, Buffer.from('two'))).ETag).toBeDefined()
  client.destroy()
}, 60_000)
