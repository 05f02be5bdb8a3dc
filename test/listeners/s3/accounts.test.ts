/** Keys that stand for accounts of their own, lists of buckets of several backends, and who is let through without a key. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KEY, S3Rig, SECRET } from '../../support/s3-rig.ts'

const secretAccessKey = { env: 'PORTOLAN_TEST_S3_SECRET' }
const key = (accessKeyId: string, policy = {}) => ({ accessKeyId, secretAccessKey, ...policy })
const as = (rig: S3Rig, accessKeyId: string): S3Client =>
  rig.client({ credentials: { accessKeyId, secretAccessKey: SECRET } })

async function bucketsOf(client: S3Client, input: { MaxBuckets?: number; Prefix?: string } = {}) {
  const pages: (string | undefined)[][] = []
  for (let ContinuationToken: string | undefined, more = true; more; more = ContinuationToken !== undefined) {
    const page = await client.send(new ListBucketsCommand({ ...input, ContinuationToken }))
    pages.push(page.Buckets?.map(({ Name }) => Name) ?? [])
    ContinuationToken = page.ContinuationToken
  }
  return pages
}

describe('before two services', () => {
  const near = new S3Rig()
  const far = new S3Rig()
  const rig = new S3Rig()
  beforeAll(async () => {
    await near.start({ keys: [key('one'), key('two', { buckets: ['two-*'] })] })
    await far.start()
    for (const Bucket of ['one-a', 'one-b', 'two-a', 'taken'])
      await as(near, 'one').send(new CreateBucketCommand({ Bucket }))
    for (const Bucket of ['far-a', 'far-b', 'one-c', 'taken'])
      await far.client().send(new CreateBucketCommand({ Bucket }))
    const service = (upstream: S3Rig, accessKeyId: string) => ({
      endpoint: `http://127.0.0.1:${upstream.port}`,
      credentials: { accessKeyId, secretAccessKey },
    })
    await rig.backend('b', service(near, 'one'))
    await rig.backend('second', service(near, 'two'))
    await rig.backend('far', service(far, KEY))
    await rig.backend('closed', service(near, 'nobody'))
    await rig.start({
      keys: [key(KEY), key('guest', { buckets: ['one-*', 'far-a'] }), key('other'), key('shut')],
      routes: [
        { keys: ['other'], buckets: ['*'], backend: 'second' },
        { keys: ['shut'], buckets: ['x'], backend: 'closed' },
        { buckets: ['far-*', 'taken'], backend: 'far' },
      ],
    })
  })
  afterAll(async () => {
    await rig.close()
    await near.close()
    await far.close()
  })

  test('a key is served by the account that its route names', async () => {
    await as(rig, 'other').send(new PutObjectCommand({ Bucket: 'two-a', Key: 'k', Body: 'x' }))
    const foreign = as(rig, 'other').send(new PutObjectCommand({ Bucket: 'one-a', Key: 'k', Body: 'x' }))
    await expect(foreign).rejects.toMatchObject({ name: 'AccessDenied' })
    const own = await as(rig, KEY).send(new GetObjectCommand({ Bucket: 'two-a', Key: 'k' }))
    expect(await own.Body!.transformToString()).toBe('x')
    // The bucket of its source is looked for at the same account.
    const copy = new CopyObjectCommand({ Bucket: 'two-a', Key: 'l', CopySource: 'two-a/k' })
    await expect(as(rig, 'other').send(copy)).resolves.toBeDefined()
  })

  test('the list of buckets has those of all backends, each where its requests go', async () => {
    expect(await bucketsOf(as(rig, KEY))).toEqual([['far-a', 'far-b', 'one-a', 'one-b', 'taken', 'two-a']])
    expect(await bucketsOf(as(rig, 'other'))).toEqual([['two-a']])
  })

  test('cut down to those of the key, by prefix and into pages', async () => {
    expect(await bucketsOf(as(rig, 'guest'))).toEqual([['far-a', 'one-a', 'one-b']])
    expect(await bucketsOf(as(rig, KEY), { MaxBuckets: 4 })).toEqual([
      ['far-a', 'far-b', 'one-a', 'one-b'],
      ['taken', 'two-a'],
    ])
    expect(await bucketsOf(as(rig, KEY), { MaxBuckets: 1, Prefix: 'one-' })).toEqual([['one-a'], ['one-b']])
  })

  test('an account that may list none has none to show', async () => {
    expect(await bucketsOf(as(rig, 'shut'))).toEqual([['far-a', 'far-b', 'one-a', 'one-b', 'taken', 'two-a']])
  })

  test('of a backend that is away no list is made up', async () => {
    await far.listener.drain(0)
    await expect(bucketsOf(as(rig, KEY))).rejects.toMatchObject({ name: 'ServiceUnavailable' })
    expect(await bucketsOf(as(rig, 'other'))).toEqual([['two-a']])
  })
})

describe('without a signature', () => {
  const seen: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; body: string }[] =
    []
  const service = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const entry = { method, url, headers, body: '' }
    seen.push(entry)
    request.setEncoding('utf8').on('data', text => (entry.body += text))
    request.on('end', () => response.writeHead(200, { 'access-control-allow-origin': 'https://page' }).end())
  })
  const rig = new S3Rig()
  const ask = (method: string, path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${rig.port}${path}`, { method, ...init })
  beforeAll(async () => {
    await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    await rig.backend('b', {
      endpoint,
      credentials: { accessKeyId: 'real', secretAccessKey },
      healthCheck: { interval: 0 },
    })
    await rig.start({ passUnsigned: ['open-*'], anonymous: ['open-read'] })
  })
  afterAll(async () => {
    await rig.close()
    await new Promise(resolve => service.close(resolve))
  })

  test('requests about such a bucket go on without one', async () => {
    expect((await ask('PUT', '/open-a/k', { body: 'abc' })).status).toBe(200)
    expect(seen.at(-1)).toMatchObject({ method: 'PUT', url: '/open-a/k', body: 'abc' })
    expect(seen.at(-1)!.headers).not.toHaveProperty('authorization')
    expect(seen.at(-1)!.headers).not.toHaveProperty('x-amz-date')
  })

  test('a bucket named in full, as Ceph has them, is named so to the service', async () => {
    await ask('GET', '/open-t%3Ab/k%3A')
    expect(seen.at(-1)).toMatchObject({ method: 'GET', url: '/open-t%3Ab/k%3A' })
  })

  test('a hash that nobody has signed is compared all the same', async () => {
    const headers = { 'x-amz-content-sha256': 'a'.repeat(64) }
    const before = seen.length
    const answer = await ask('PUT', '/open-a/k', { body: 'abc', headers })
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('XAmzContentSHA256Mismatch')])
    expect(seen).toHaveLength(before)
  })

  test('a form without a signature, too', async () => {
    const form = new FormData()
    form.append('key', 'k')
    form.append('file', new Blob(['abc']))
    // Of known length, as browsers send it.
    const { body, headers } = new Response(form) as unknown as { body: ReadableStream; headers: Headers }
    const bytes = Buffer.from(await new Response(body).arrayBuffer())
    const answer = await ask('POST', '/open-a', {
      body: bytes,
      headers: { 'content-type': headers.get('content-type')! },
    })
    expect(answer.status).toBe(204)
    expect(seen.at(-1)).toMatchObject({ method: 'PUT', url: '/open-a/k', body: 'abc' })
    expect(seen.at(-1)!.headers).not.toHaveProperty('authorization')
  })

  test.each([
    ['another bucket', 'PUT', '/shut/k', {}],
    ['no bucket', 'GET', '/', {}],
    ['a copy out of another bucket', 'PUT', '/open-a/k', { 'x-amz-copy-source': '/shut/k' }],
  ])('but not about %s', async (_, method, path, headers) => {
    const before = seen.length
    expect((await ask(method, path, { headers })).status).toBe(403)
    expect(seen).toHaveLength(before)
  })

  test('a wrong signature is refused rather than left away', async () => {
    const authorization = `AWS4-HMAC-SHA256 Credential=${KEY}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`
    const before = seen.length
    expect(
      (await ask('GET', '/open-a/k', { headers: { authorization, 'x-amz-date': '20260101T000000Z' } })).status,
    ).toBe(403)
    expect(seen).toHaveLength(before)
  })

  test('what the listener itself lets be read is asked for by its own key', async () => {
    expect((await ask('GET', '/open-read/k')).status).toBe(200)
    expect(seen.at(-1)!.headers.authorization).toContain('Credential=real/')
  })

  test('without rules of its own a preflight request is answered by the bucket’s', async () => {
    const headers = { origin: 'https://page', 'access-control-request-method': 'PUT' }
    const answer = await ask('OPTIONS', '/shut/k?X-Amz-Signature=x&acl&x-amz-acl=private', { headers })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, 'https://page'])
    expect(seen.at(-1)).toMatchObject({ method: 'OPTIONS', url: '/shut/k', headers })
    expect(seen.at(-1)!.headers).not.toHaveProperty('authorization')
    expect(seen.at(-1)!.headers).not.toHaveProperty('x-amz-acl')
  })
})

test('the embedded store has no rights of the public', async () => {
  const rig = new S3Rig()
  await rig.start({ passUnsigned: ['*'] })
  await rig.client().send(new CreateBucketCommand({ Bucket: 'own' }))
  for (const [method, path] of [
    ['GET', '/own'],
    ['PUT', '/own/k'],
    ['OPTIONS', '/own/k'],
    ['GET', '/'],
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${rig.port}${path}`, { method })
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
  }
  await rig.close()
})
