/** Presigned URLs: served through here, or by a redirect to a URL of the service's; and those that are none. */
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authenticate, parseQuery, SigningSecret } from '../../../codecs/s3/index.ts'
import { RecordingService } from '../../support/recording-service.ts'
import { KEY, S3Rig, signedHead } from '../../support/s3-rig.ts'

const secretAccessKey = { env: 'PORTOLAN_TEST_S3_SECRET' }
const THEIRS = { accessKeyId: 'their-key', secretAccessKey: { env: 'PORTOLAN_TEST_S3_THEIRS' } }
const THEIR_SECRET = 'their-secret'

let service: RecordingService
const rig = new S3Rig()
const unsigned = new S3Rig()
beforeAll(async () => {
  process.env['PORTOLAN_TEST_S3_THEIRS'] = THEIR_SECRET
  service = await RecordingService.start((response, { method, body }) =>
    response.end(method === 'GET' ? 'of the service' : body),
  )
  const backend = { endpoint: service.url, region: 'eu-9', healthCheck: { interval: 0 } }
  const routes = [{ buckets: ['sent*'], presigned: 'redirect' }]
  await rig.backend('b', {
    ...backend,
    credentials: THEIRS,
    buckets: { 'sent-named': { name: 'theirs', prefix: 'p/' } },
  })
  await rig.start({
    routes,
    keys: [
      { accessKeyId: KEY, secretAccessKey },
      { accessKeyId: 'limited', secretAccessKey, maxObjectSize: '1KiB' },
      { accessKeyId: 'tenant', secretAccessKey, buckets: ['other'] },
    ],
  })
  await unsigned.backend('b', backend)
  await unsigned.start({ routes })
})
beforeEach(() => service.requests.splice(0))
afterAll(async () => {
  await rig.close()
  await unsigned.close()
  await service.close()
})

type Presigned = GetObjectCommand | PutObjectCommand | HeadObjectCommand | ListObjectsV2Command
const urlOf = (command: Presigned, at = rig, accessKeyId = KEY) =>
  getSignedUrl(
    at.client({ credentials: { accessKeyId, secretAccessKey: 'local-secret' } }),
    command as GetObjectCommand,
    {
      expiresIn: 300,
    },
  )
const about = { Bucket: 'bucket', Key: 'a b/+é' }
const sent = { ...about, Bucket: 'sent' }
const ask = (url: string, options: RequestInit = {}) => fetch(url, { redirect: 'manual', ...options })
const codeOf = async (answer: Response) => /<Code>(\w+)</.exec(await answer.text())?.[1]

describe('through here', () => {
  test('is signed anew with the key of the backend, and the URL stays here', async () => {
    expect(await (await ask(await urlOf(new GetObjectCommand(about)))).text()).toBe('of the service')
    const { target, headers } = service.taken()
    expect(target).toBe('/bucket/a%20b/%2B%C3%A9')
    expect(headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=their-key\/\d{8}\/eu-9\/s3\/aws4_request,/)
  })

  test('an upload takes its body along', async () => {
    const url = await urlOf(new PutObjectCommand({ ...about, ContentType: 'text/plain' }))
    const answer = await ask(url, { method: 'PUT', body: 'uploaded', headers: { 'content-type': 'text/plain' } })
    expect(answer.status).toBe(200)
    const { body, headers, target } = service.taken()
    expect([body.toString(), headers['content-type'], target]).toEqual([
      'uploaded',
      'text/plain',
      '/bucket/a%20b/%2B%C3%A9',
    ])
  })

  test('headers that the URL has in its query arrive as such', async () => {
    const command = new PutObjectCommand({ ...about, Metadata: { a: 'b' }, ACL: 'private' })
    expect((await ask(await urlOf(command), { method: 'PUT', body: 'x' })).status).toBe(200)
    const { target, headers } = service.taken()
    expect(target).toBe('/bucket/a%20b/%2B%C3%A9')
    expect(headers).toMatchObject({ 'x-amz-meta-a': 'b', 'x-amz-acl': 'private' })
  })

  test('what the answer is to say of itself is asked of the service', async () => {
    await ask(await urlOf(new GetObjectCommand({ ...about, ResponseContentType: 'text/x' })))
    expect(service.taken().target).toBe('/bucket/a%20b/%2B%C3%A9?response-content-type=text%2Fx')
  })
})

describe('redirected', () => {
  /** Whether the service would take it. */
  function verified(location: string, method: string, headers: readonly string[] = []) {
    const { host, pathname, search } = new URL(location)
    const query = parseQuery(search.slice(1))
    return authenticate(
      { method, path: pathname, query, headers: ['host', host, ...headers] },
      { now: Date.now(), secretOf: key => (key === 'their-key' ? new SigningSecret(THEIR_SECRET) : undefined) },
    )
  }

  test.each([
    ['GET', new GetObjectCommand({ ...sent, ResponseContentType: 'text/x' }), 'text/x'],
    ['HEAD', new HeadObjectCommand(sent), null],
    ['PUT', new PutObjectCommand(sent), null],
  ])('%s is sent to the service, to a URL that is good for no longer', async (method, command, type) => {
    const answer = await ask(await urlOf(command), { method, ...(method === 'PUT' && { body: 'x' }) })
    expect([answer.status, await answer.text()]).toEqual([307, ''])
    const location = answer.headers.get('location')!
    expect(location.startsWith(`${service.url}/sent/a%20b/%2B%C3%A9?`)).toBe(true)
    expect(new URL(location).searchParams.get('response-content-type')).toBe(type)
    expect(verified(location, method)).toMatchObject({ accessKey: 'their-key', kind: 'presigned' })
    const expires = Number(new URL(location).searchParams.get('X-Amz-Expires'))
    expect(expires).toBeGreaterThan(0)
    expect(expires).toBeLessThanOrEqual(300)
    expect(service.requests).toEqual([])
    expect(location).not.toContain(THEIR_SECRET)
  })

  test('to the bucket and below the prefix that the service knows it by', async () => {
    const answer = await ask(await urlOf(new GetObjectCommand({ ...sent, Bucket: 'sent-named' })))
    expect(answer.headers.get('location')).toContain(`${service.url}/theirs/p/a%20b/%2B%C3%A9?`)
  })

  test('a client that follows it gets what it asked for', async () => {
    const got = await fetch(await urlOf(new GetObjectCommand(sent)))
    expect(await got.text()).toBe('of the service')
    const put = await fetch(await urlOf(new PutObjectCommand(sent)), { method: 'PUT', body: 'followed' })
    expect(await put.text()).toBe('followed')
  })

  test.each<[string, () => Promise<Response>]>([
    ['a list, which names keys', async () => ask(await urlOf(new ListObjectsV2Command({ Bucket: 'sent' })))],
    [
      'headers in the query of the URL',
      async () =>
        ask(await urlOf(new PutObjectCommand({ ...sent, Metadata: { a: 'b' } })), { method: 'PUT', body: 'x' }),
    ],
    [
      'a key with a limit',
      async () => ask(await urlOf(new PutObjectCommand(sent), rig, 'limited'), { method: 'PUT', body: 'x' }),
    ],
    ['a bucket without it', async () => ask(await urlOf(new GetObjectCommand(about)))],
    ['a service without credentials', async () => ask(await urlOf(new GetObjectCommand(sent), unsigned))],
  ])('not: %s', async (_, asked) => {
    expect((await asked()).status).toBe(200)
    expect(service.requests).toHaveLength(1)
  })

  test('a request that is signed in its header goes through here', async () => {
    await rig.client().send(new GetObjectCommand(sent))
    expect(service.requests).toHaveLength(1)
  })
})

describe('refused', () => {
  const later = (url: string, seconds: number) => {
    const date = new Date(Date.now() - seconds * 1000).toISOString().replace(/[-:]|\.\d{3}/g, '')
    return url.replace(/X-Amz-Date=\w+/, `X-Amz-Date=${date}`)
  }
  test.each<[string, (url: string) => string, string]>([
    ['another key', url => url.replace('/a%20b', '/other'), 'SignatureDoesNotMatch'],
    [
      'another bucket',
      url => url.replace('/bucket/', '/bucket2/').replace('/sent/', '/sent2/'),
      'SignatureDoesNotMatch',
    ],
    ['another parameter', url => `${url}&versionId=1`, 'SignatureDoesNotMatch'],
    ['a longer life', url => url.replace('Expires=300', 'Expires=3000'), 'SignatureDoesNotMatch'],
    ['a later date', url => later(url, 1), 'SignatureDoesNotMatch'],
    [
      'a life of more than a week',
      url => url.replace('Expires=300', 'Expires=604801'),
      'AuthorizationQueryParametersError',
    ],
    ['no life', url => url.replace(/&X-Amz-Expires=300/, ''), 'AuthorizationQueryParametersError'],
    ['no signature', url => url.replace(/&X-Amz-Signature=\w+/, ''), 'AuthorizationQueryParametersError'],
    [
      'a signature cut short',
      url => url.replace(/(X-Amz-Signature=\w{60})\w{4}/, '$1'),
      'SignatureDoesNotMatch|AuthorizationQueryParametersError',
    ],
    [
      'two signatures',
      url => `${url}&X-Amz-Signature=${'0'.repeat(64)}`,
      'AuthorizationQueryParametersError|InvalidArgument|SignatureDoesNotMatch',
    ],
    ['an unknown key', url => url.replace('Credential=local', 'Credential=nobody'), 'InvalidAccessKeyId'],
  ])('%s', async (_, tamper, code) => {
    for (const bucket of ['bucket', 'sent']) {
      const url = tamper(await urlOf(new GetObjectCommand({ ...about, Bucket: bucket })))
      const answer = await ask(url)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(await codeOf(answer)).toMatch(new RegExp(`^(${code})$`))
    }
    expect(service.requests).toEqual([])
  })

  test('a URL that is over, also where it would be redirected', async () => {
    for (const Bucket of ['bucket', 'sent']) {
      const url = await getSignedUrl(rig.client(), new GetObjectCommand({ ...about, Bucket }), {
        expiresIn: 60,
        signingDate: new Date(Date.now() - 61_000),
      })
      const answer = await ask(url)
      expect(answer.status).toBe(403)
      expect(await answer.text()).toMatch(/<Code>AccessDenied<.*Request has expired/)
    }
  })

  test('a method that was not signed', async () => {
    const url = await urlOf(new GetObjectCommand(sent))
    for (const method of ['PUT', 'DELETE', 'POST'])
      expect(await codeOf(await ask(url, { method }))).toBe('SignatureDoesNotMatch')
  })

  test('both kinds of authentication at once, wherever it would go', async () => {
    for (const bucket of ['bucket', 'sent']) {
      const url = new URL(await urlOf(new GetObjectCommand({ ...about, Bucket: bucket })))
      const { head } = signedHead({
        method: 'GET',
        target: url.pathname + url.search,
        host: url.host,
        headers: { connection: 'close' },
        contentSha256: 'UNSIGNED-PAYLOAD',
      })
      expect(await rig.raw(head)).toContain('<Code>InvalidArgument</Code>')
    }
    expect(service.requests).toEqual([])
  })

  test('what the key may not do is not redirected either', async () => {
    const answer = await ask(await urlOf(new GetObjectCommand(sent), rig, 'tenant'))
    expect([answer.status, await codeOf(answer)]).toEqual([403, 'AccessDenied'])
  })
})
