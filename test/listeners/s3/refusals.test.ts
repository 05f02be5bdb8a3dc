/** What the log says of requests whose signature or time is wrong. */
import { createHash } from 'node:crypto'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { LogFields, Logger } from '../../../src/observability/logger.ts'
import { S3Rig, SECRET, signedHead } from '../../support/s3-rig.ts'

const lines: LogFields[] = []
const logger: Logger = {
  debug() {},
  info: (fields, message) => void lines.push({ ...fields, message }),
  warn() {},
  error() {},
  child: () => logger,
}
const rig = new S3Rig(undefined, logger)
afterEach(() => lines.splice(0))
afterAll(() => rig.close())

const contentSha256 = createHash('sha256').digest('hex')
async function reasonFor(change: (head: string) => string, own: Partial<Parameters<typeof signedHead>[0]> = {}) {
  if (!rig.listener) await rig.start()
  const headers = { connection: 'close', 'x-amz-meta-secret': 'canary', ...own.headers }
  const { head } = signedHead({ method: 'GET', target: '/bucket/a//b%20c', contentSha256, ...own, headers })
  const answer = await rig.raw(change(head))
  expect(answer).toContain('HTTP/1.1 403')
  const line = lines.find(({ message }) => message === 'request refused')!
  expect(JSON.stringify(line)).not.toMatch(new RegExp(`canary|${SECRET}`))
  return [line['code'], line['reason']]
}

test.each([
  [
    'host: localhost',
    'host: bucket.example:81',
    'the header host was signed as "localhost" and received as "bucket.example:81"',
  ],
  [
    'host: localhost',
    'host: localhost:8080',
    'the header host was signed as "localhost" and received as "localhost:8080"',
  ],
  ['GET', 'HEAD', 'the method was signed as "GET" and received as "HEAD"'],
  ['/bucket/a//b%20c', '/bucket/a//b%20c?added=1', 'the query was signed without the parameter added'],
])('names what differs: %s -> %s', async (signed, received, reason) => {
  expect(await reasonFor(head => head.replace(signed, received))).toEqual(['SignatureDoesNotMatch', reason])
})

test('names a path that a client has put in order before it signed', async () => {
  const reason = 'the path was signed as "/bucket/a/b" and received as "/bucket/a//b"'
  const own = { target: '/bucket/a/b' }
  expect(await reasonFor(head => head.replace('/a/b', '/a//b'), own)).toEqual(['SignatureDoesNotMatch', reason])
})

test('says so when nothing usual explains it', async () => {
  const [code, reason] = await reasonFor(head => head, { secret: 'another' })
  expect([code, reason]).toEqual(['SignatureDoesNotMatch', expect.stringContaining('another secret')])
})

test('tells how far clocks are apart', async () => {
  const [code, reason] = await reasonFor(head => head, { time: Date.now() - 3_600_000 })
  expect(code).toBe('RequestTimeTooSkewed')
  expect(reason).toMatch(/^the clock of the application is 36\d\d s behind/)
  const ahead = await reasonFor(head => head, { time: Date.now() + 3_600_000 }).catch(error => error)
  expect(lines.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/ahead/))
  expect(ahead).toBeDefined()
})

test('is not written more than ten times a second', async () => {
  await Promise.all(Array.from({ length: 30 }, () => reasonFor(head => head, { secret: 'another' }).catch(() => {})))
  expect(lines.filter(({ message }) => message === 'request refused').length).toBeLessThan(30)
})
