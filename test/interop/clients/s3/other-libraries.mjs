// minio's own client and aws4fetch, which sign by code of their own.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { cases, load } from '../cases.mjs'

const { INTEROP_S3_ENDPOINT: endpoint, INTEROP_S3_KEY: accessKey, INTEROP_S3_SECRET: secretKey } = process.env
const { Client } = load('minio')
const aws4fetch = join(process.env.INTEROP_MODULES, 'node_modules/aws4fetch/dist/aws4fetch.esm.mjs')
const { AwsClient } = await import(pathToFileURL(aws4fetch).href)

const { hostname, port } = new URL(endpoint)
const minio = new Client({
  endPoint: hostname,
  port: Number(port),
  useSSL: false,
  accessKey,
  secretKey,
  region: 'us-east-1',
})
const aws = new AwsClient({
  accessKeyId: accessKey,
  secretAccessKey: secretKey,
  region: 'us-east-1',
  service: 's3',
  retries: 0,
})
const bucket = `other-${randomUUID()}`
const body = randomBytes(300_000)
const large = randomBytes(5 * (1 << 20) - 1)
const ODD = ['a+b', 'a b', 'a%2Fb', 'smile-😀', `${'k'.repeat(200)}/`.repeat(5) + 'x'.repeat(19)]

await minio.makeBucket(bucket)

async function stored(key, expected) {
  assert.ok((await buffer(await minio.getObject(bucket, key))).equals(expected), key)
}

await cases({
  'minio: sizes': async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('x'), large]) {
      await minio.putObject(bucket, 'size', bytes, bytes.length)
      await stored('size', bytes)
    }
  },
  'minio: odd keys': async () => {
    for (const key of ODD) {
      await minio.putObject(bucket, key, body, body.length)
      await stored(key, body)
      const listed = await Array.fromAsync?.(minio.listObjectsV2(bucket, key, true))
      if (listed) assert.equal(listed[0].name, key)
    }
  },
  'minio: a stream of unknown length': async () => {
    const all = Buffer.concat([large, large, large])
    await minio.putObject(bucket, 'stream', Readable.from([large, large, large], { objectMode: false }))
    await stored('stream', all)
  },
  'minio: presigned GET, PUT and POST policy': async () => {
    const put = await fetch(await minio.presignedPutObject(bucket, 'presigned', 60), { method: 'PUT', body })
    assert.ok(put.ok, await put.text())
    const got = await fetch(await minio.presignedGetObject(bucket, 'presigned', 60))
    assert.ok(Buffer.from(await got.arrayBuffer()).equals(body))
    const policy = minio.newPostPolicy()
    policy.setBucket(bucket)
    policy.setKey('posted')
    policy.setExpires(new Date(Date.now() + 60_000))
    const { postURL, formData } = await minio.presignedPostPolicy(policy)
    const form = new FormData()
    for (const [name, value] of Object.entries(formData)) form.set(name, value)
    form.set('file', new Blob([body]))
    const posted = await fetch(postURL, { method: 'POST', body: form })
    assert.ok(posted.ok, `${posted.status} ${await posted.text()}`)
    await stored('posted', body)
  },
  'minio: copy, stat, remove several': async () => {
    await minio.putObject(bucket, 'one', body, body.length, { 'x-amz-meta-a': 'b' })
    await minio.copyObject(bucket, 'two', `/${bucket}/one`)
    assert.equal((await minio.statObject(bucket, 'two')).size, body.length)
    await minio.removeObjects(bucket, ['one', 'two'])
    await assert.rejects(minio.statObject(bucket, 'two'))
  },
  'aws4fetch: round trips': async () => {
    for (const key of ['plain', 'a+b', 'a b', 'smile-😀']) {
      const url = `${endpoint}/${bucket}/${encodeURIComponent(key)}`
      for (const bytes of [Buffer.alloc(0), Buffer.from('x'), large]) {
        const put = await aws.fetch(url, { method: 'PUT', body: bytes })
        assert.ok(put.ok, `${put.status} ${await put.text()}`)
        const got = await aws.fetch(url)
        assert.ok(Buffer.from(await got.arrayBuffer()).equals(bytes), key)
      }
      assert.equal((await aws.fetch(url, { method: 'DELETE' })).status, 204)
      assert.equal((await aws.fetch(url)).status, 404)
    }
  },
})
