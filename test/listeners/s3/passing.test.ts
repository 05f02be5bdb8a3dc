/** What passes between an application and a service although nobody here knows what it means, and what never does. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { RecordingService } from '../../support/recording-service.ts'
import { S3Rig, signedHead } from '../../support/s3-rig.ts'

const rig = new S3Rig()
let service: RecordingService
beforeAll(async () => {
  service = await RecordingService.start()
  await rig.backend('b', {
    endpoint: service.url,
    credentials: { accessKeyId: 'real', secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
    healthCheck: { interval: 0 },
  })
  await rig.start()
})
beforeEach(() => {
  service.answer = response => response.end()
})
afterAll(async () => {
  await rig.close()
  await service.close()
})

interface Own {
  readonly headers?: Record<string, string>
  readonly body?: string
  /** Lines that are not signed. */
  readonly lines?: string
}

function ask(method: string, target: string, { headers = {}, body = '', lines = '' }: Own = {}): Promise<string> {
  const { head } = signedHead({
    method,
    target,
    headers: { 'content-length': String(body.length), ...headers },
    contentSha256: createHash('sha256').update(body).digest('hex'),
  })
  return rig.raw(head.replace(/\r\n$/, `${lines || 'connection: close\r\n'}\r\n`) + body)
}

test.each([
  ['GET', '/bucket?brand-new', ''],
  ['GET', '/bucket/key?brand-new=1&other', ''],
  ['PUT', '/bucket/key?brand-new', 'some bytes'],
  ['POST', '/bucket/key?brand-new&n=2', '<New/>'],
  ['DELETE', '/bucket?brand-new', ''],
  ['PATCH', '/bucket/key', 'some bytes'],
])('an operation that will be invented passes both ways: %s %s', async (method, target, body) => {
  service.answer = response => {
    response.writeHead(202, { 'x-amz-brand-new': 'answered', 'x-other': 'kept', 'content-length': 6 })
    response.end('answer')
  }
  const answer = await ask(method, target, { body, headers: { 'x-amz-brand-new': 'asked', 'if-new': 'kept' } })
  const sent = service.taken()
  expect([sent.method, sent.target.split('?')[0], sent.body.toString()]).toEqual([method, target.split('?')[0], body])
  expect([...new URLSearchParams(sent.target.split('?')[1])]).toEqual([...new URLSearchParams(target.split('?')[1])])
  expect(sent.headers).toMatchObject({ 'x-amz-brand-new': 'asked', 'if-new': 'kept' })
  expect(sent.headers['authorization']).toMatch(/SignedHeaders=[^,]*x-amz-brand-new/)
  expect(answer).toMatch(/^HTTP\/1\.1 202 /)
  expect(answer).toMatch(/^x-amz-brand-new: answered\r$/im)
  expect(answer).toMatch(/^x-other: kept\r$/im)
  expect(answer).toMatch(/\r\n\r\nanswer$/)
})

test('RFC 9110 7.6.1: what belongs to one connection stays on it, in both directions', async () => {
  service.answer = response => {
    response.writeHead(200, {
      connection: 'close, x-mine',
      'x-mine': 'theirs',
      'keep-alive': 'timeout=9',
      upgrade: 'h2c',
    })
    response.end('answer')
  }
  const own =
    'connection: close, x-hop\r\nx-hop: 1\r\nte: trailers\r\nproxy-authorization: Basic aHVzaA==\r\nupgrade: h2c\r\n'
  const answer = await ask('GET', '/bucket/key', { lines: `${own}keep-alive: 1\r\n` })
  const names = Object.keys(service.taken().headers)
  for (const name of ['x-hop', 'te', 'proxy-authorization', 'upgrade', 'keep-alive']) expect(names).not.toContain(name)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(answer).not.toMatch(/^(x-mine|keep-alive|upgrade):/im)
})

test('the application’s signature, key, token and time go no further', async () => {
  await ask('GET', '/bucket/key', { headers: { 'x-amz-security-token': 'of the application' } })
  const { headers } = service.taken()
  expect(headers['authorization']).toContain('Credential=real/')
  expect(JSON.stringify(headers)).not.toMatch(/of the application|Credential=local/)
})

test('how long to wait before another try is told', async () => {
  service.answer = response => {
    response.writeHead(503, { 'retry-after': '7', 'content-type': 'application/xml' })
    response.end('<Error><Code>SlowDown</Code><Message>Please.</Message></Error>')
  }
  const answer = await ask('GET', '/bucket/key')
  expect(service.taken()).toBeDefined()
  expect(answer).toMatch(/^HTTP\/1\.1 503 /)
  expect(answer).toMatch(/^retry-after: 7\r$/im)
  expect(answer).toContain('<Code>SlowDown</Code>')
})
