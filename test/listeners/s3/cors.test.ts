/** Pages of other origins: what configuration allows, told by Portolan alone; and the store's own word where there is none. */

import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RecordingService } from '../../support/recording-service.ts'
import { KEY, S3Rig } from '../../support/s3-rig.ts'

const PAGE = 'https://page.example'
const STORES_OWN = {
  'Access-Control-Allow-Origin': 'https://of.the.store',
  'access-control-expose-headers': 'x-theirs',
}
const cors = [
  {
    origins: [PAGE, 'https://*.page.example'],
    buckets: ['shared*'],
    methods: ['GET', 'PUT'],
    headers: ['content-*', 'X-Amz-*'],
    expose: ['ETag', 'x-amz-meta-a'],
    maxAge: '5m',
  },
  { origins: ['*'], buckets: ['open'], expose: [] },
]

let service: RecordingService
const decided = new S3Rig()
const left = new S3Rig()
beforeAll(async () => {
  service = await RecordingService.start(response => response.writeHead(200, STORES_OWN).end('content'))
  for (const [rig, options] of [
    [decided, { cors }],
    [left, {}],
  ] as const) {
    await rig.backend('b', {
      endpoint: service.url,
      credentials: { accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
      healthCheck: { interval: 0 },
    })
    await rig.start(options)
  }
})
afterAll(async () => {
  await decided.close()
  await left.close()
  await service.close()
})

interface Asked {
  readonly method?: string
  readonly headers?: string
  readonly origin?: string
  readonly bucket?: string
}
function preflight({ method = 'PUT', headers, origin = PAGE, bucket = 'shared-1' }: Asked, rig = decided) {
  return rig.raw(
    `OPTIONS /${bucket}/key?partNumber=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: ${origin}\r\n` +
      `access-control-request-method: ${method}\r\n` +
      `${headers === undefined ? '' : `access-control-request-headers: ${headers}\r\n`}\r\n`,
  )
}
const corsOf = (answer: string) =>
  Object.fromEntries(
    [...answer.matchAll(/^(access-control-[a-z-]+|vary): (.*)\r$/gim)].map(([, name, value]) => [
      name!.toLowerCase(),
      value,
    ]),
  )
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)![1])

describe('a preflight request', () => {
  test('is answered here, unsigned as it is, and never reaches the store', async () => {
    const answer = await preflight({ headers: 'Content-Type, x-amz-date' })
    expect(statusOf(answer)).toBe(200)
    expect(corsOf(answer)).toEqual({
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'Content-Type, x-amz-date',
      'access-control-max-age': '300',
      vary: 'Origin',
    })
    expect(service.requests).toEqual([])
  })

  test('any origin is told so by a star, without credentials', async () => {
    expect(corsOf(await preflight({ method: 'GET', bucket: 'open', headers: 'x-anything' }))).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'x-anything',
      'access-control-max-age': '600',
    })
  })

  test.each<[string, Asked]>([
    ['another origin', { origin: 'https://other.example' }],
    ['an origin that only looks like it', { origin: 'https://page.example.evil' }],
    ['the origin in another scheme', { origin: 'http://page.example' }],
    ['another bucket', { bucket: 'private' }],
    ['another method', { method: 'DELETE' }],
    ['another header', { headers: 'content-type, authorization' }],
  ])('of %s is refused without a word of CORS', async (_, asked) => {
    const answer = await preflight(asked)
    expect(statusOf(answer)).toBe(403)
    expect(answer).toContain('<Code>AccessDenied</Code>')
    expect(corsOf(answer)).toEqual({})
  })

  test('without an origin or a method is none', async () => {
    const answer = await decided.raw('OPTIONS /shared-1/k HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    expect(statusOf(answer)).toBe(400)
  })

  test('is the store’s affair where nothing is configured', async () => {
    expect(corsOf(await preflight({ headers: 'x-a' }, left))['access-control-allow-origin']).toBe(
      'https://of.the.store',
    )
    const { method, headers } = service.taken()
    expect([method, headers['origin'], headers['access-control-request-headers']]).toEqual(['OPTIONS', PAGE, 'x-a'])
  })
})

const urlOf = (rig: S3Rig, command: GetObjectCommand | PutObjectCommand) =>
  getSignedUrl(rig.client(), command, { expiresIn: 60 })
const get = (Bucket: string) => new GetObjectCommand({ Bucket, Key: 'key' })

describe('an actual request', () => {
  test('is told what the page may read, once, and not what the store thinks of it', async () => {
    const answer = await fetch(await urlOf(decided, get('shared-1')), { headers: { origin: 'https://a.page.example' } })
    expect([answer.status, await answer.text()]).toEqual([200, 'content'])
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://a.page.example')
    expect(answer.headers.get('access-control-expose-headers')).toBe('ETag, x-amz-meta-a')
    expect(answer.headers.get('vary')).toBe('Origin')
    expect(service.taken().headers).not.toHaveProperty('origin')
  })

  test('an upload goes to the store without its origin', async () => {
    const url = await urlOf(decided, new PutObjectCommand({ Bucket: 'shared-1', Key: 'key' }))
    const answer = await fetch(url, { method: 'PUT', body: 'new', headers: { origin: PAGE } })
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE)
    const { headers, body } = service.taken()
    expect(headers).not.toHaveProperty('origin')
    expect(body.toString()).toBe('new')
  })

  test.each([
    ['of another origin', 'shared-1', 'https://other.example'],
    ['of another bucket', 'private', PAGE],
  ])('%s is served, as its signature is right, but no page may read the answer', async (_, bucket, origin) => {
    const answer = await fetch(await urlOf(decided, get(bucket)), { headers: { origin } })
    expect(answer.status).toBe(200)
    expect([...answer.headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([])
    service.taken()
  })

  test('that is refused says so to the page, too', async () => {
    const url = (await urlOf(decided, get('shared-1'))).replace(/Signature=.{4}/, 'Signature=0000')
    const answer = await fetch(url, { headers: { origin: PAGE } })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(service.requests).toEqual([])
  })

  test('is the store’s affair where nothing is configured', async () => {
    const answer = await fetch(await urlOf(left, get('shared-1')), { headers: { origin: PAGE } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://of.the.store')
    expect(answer.headers.get('access-control-expose-headers')).toBe('x-theirs')
    expect(service.taken().headers['origin']).toBe(PAGE)
  })
})
