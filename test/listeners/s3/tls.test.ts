/** Over TLS with a certificate of the listener's own, which clients trust because it is kept in a file. */
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { S3Rig } from '../../support/s3-rig.ts'

const rig = new S3Rig()
const folder = join(rig.folder(), 'tls')
beforeAll(() => rig.start({ tls: { generate: true, keepIn: folder } }))
afterAll(() => rig.close())

test.each([
  ['in the path', true, (port: number) => `https://127.0.0.1:${port}`],
  ['in the host', false, (port: number) => `https://s3.localhost:${port}`],
])('a client that trusts it is served, buckets %s', async (_, forcePathStyle, endpoint) => {
  const ca = readFileSync(join(folder, 'certificate.pem'))
  // Not every resolver knows what is below localhost.
  const lookup = (_name: string, _options: object, done: (error: null, addresses: object[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }])
  const httpsAgent = new Agent({ ca, lookup: lookup as never })
  const client = rig.client({ endpoint: endpoint(rig.port), forcePathStyle, requestHandler: { httpsAgent } })
  const Bucket = forcePathStyle ? 'by-path' : 'by-host'
  await client.send(new CreateBucketCommand({ Bucket }))
  const bytes = Buffer.alloc(200_000, 'tls')
  const Body = Readable.from([bytes])
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body, ContentLength: bytes.length }))
  const got = await client.send(new GetObjectCommand({ Bucket, Key: 'a/b' }))
  expect(Buffer.from(await got.Body!.transformToByteArray()).equals(bytes)).toBe(true)
  httpsAgent.destroy()
})

test('a client that does not trust it goes no further', async () => {
  const client = rig.client({ endpoint: `https://127.0.0.1:${rig.port}` })
  await expect(client.send(new CreateBucketCommand({ Bucket: 'b' }))).rejects.toThrow(/self-signed certificate/)
})
