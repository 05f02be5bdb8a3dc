/**
 * Every operation by every way to authenticate wrongly and with every form of a body: none reaches the store. After MinIO's
 * CVE-2025-31489, CVE-2026-40344 and CVE-2026-41145, where a form of a body was let in by one handler alone.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canonicalQuery, parseQuery, presign, SigningSecret } from '../../../codecs/s3/index.ts'
import { OPERATION_ROWS } from '../../../codecs/s3/operation-rows.ts'
import { RecordingService } from '../../support/recording-service.ts'
import { KEY, S3Rig, SECRET, signedHead } from '../../support/s3-rig.ts'

const rig = new S3Rig()
let service: RecordingService
beforeAll(async () => {
  service = await RecordingService.start()
  await rig.backend('b', {
    endpoint: service.url,
    profile: 'aws',
    addressing: 'path',
    credentials: { accessKeyId: 'real', secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } },
    healthCheck: { interval: 0 },
  })
  await rig.start()
})
beforeEach(() => service.requests.splice(0))
afterAll(async () => {
  await rig.close()
  await service.close()
})

/** What x-amz-content-sha256 says, for a body of nothing or of a document; and how that body comes. */
const DOCUMENT = '<Document/>'
const CHUNKS = `${DOCUMENT.length.toString(16)}\r\n${DOCUMENT}\r\n0\r\n\r\n`
const FORMS: Readonly<
  Record<string, { readonly contentSha256: string; readonly body: string; readonly chunked: boolean }>
> = {
  none: { contentSha256: createHash('sha256').digest('hex'), body: '', chunked: false },
  hash: { contentSha256: createHash('sha256').update(DOCUMENT).digest('hex'), body: DOCUMENT, chunked: false },
  unsigned: { contentSha256: 'UNSIGNED-PAYLOAD', body: DOCUMENT, chunked: false },
  'unsigned chunks': { contentSha256: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', body: CHUNKS, chunked: true },
  'signed chunks': { contentSha256: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', body: CHUNKS, chunked: true },
  'signed chunks and trailer': {
    contentSha256: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    body: CHUNKS,
    chunked: true,
  },
}

interface Call {
  readonly method: string
  readonly target: string
  readonly headers: Record<string, string>
  readonly contentSha256: string
}

/** Any request that is this operation. */
function callOf(
  [level, method, marker]: (typeof OPERATION_ROWS)[number],
  form: string,
): Call & { readonly body: string } {
  const [main = '', detail] = marker.split('+')
  const headers: Record<string, string> = { connection: 'close' }
  const query: string[] = []
  for (const part of [main, detail ?? '']) {
    if (part === '@form') headers['content-type'] = 'multipart/form-data; boundary=b'
    else if (part.startsWith('@')) headers[part.slice(1)] = '/bucket/other'
    else if (part !== '') query.push(part)
  }
  if (main === 'uploadId') query[0] = 'uploadId=u&partNumber=1'
  const path = { service: '/', bucket: '/bucket', object: '/bucket/key' }[level]
  const { contentSha256, body, chunked } = FORMS[form]!
  const hasBody = method === 'PUT' || method === 'POST'
  if (hasBody) headers['content-length'] = String(body.length)
  if (hasBody && chunked) {
    headers['content-encoding'] = 'aws-chunked'
    headers['x-amz-decoded-content-length'] = String(DOCUMENT.length)
  }
  const target = query.length > 0 ? `${path}?${query.join('&')}` : path
  return { method, target, headers, contentSha256, body: hasBody ? body : '' }
}

const headOf = (call: Call, own: { secret?: string; accessKey?: string; time?: number } = {}) =>
  signedHead({ ...call, ...own }).head

function presignedHead(
  { method, target, headers, contentSha256 }: Call,
  secret: string,
  seconds: number,
  now: number,
): string {
  const [path = '', search = ''] = target.split('?')
  const signer = { accessKey: KEY, secret: new SigningSecret(secret), sessionToken: undefined, region: 'us-east-1' }
  const signed = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-'))
  const query = presign(
    { method, host: 'localhost', path, query: parseQuery(search), headers: signed.flat(), expires: seconds },
    signer,
    now,
  )
  const lines = Object.entries({ ...headers, 'x-amz-content-sha256': contentSha256 }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${method} ${path}?${query} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`
}

const HOUR = 3_600_000
const VISITORS: Readonly<Record<string, (call: Call) => string>> = {
  nobody: call => headOf(call).replace(/^authorization:.*\r\n/im, ''),
  'a key that is not known': call => headOf(call, { accessKey: 'stranger' }),
  'who has not the secret': call => headOf(call, { secret: 'guessed' }),
  'a signature of yesterday': call => headOf(call, { time: Date.now() - 24 * HOUR }),
  'a URL by who has not the secret': call => presignedHead(call, 'guessed', 60, Date.now()),
  'a URL that is over': call => presignedHead(call, SECRET, 60, Date.now() - HOUR),
  'a URL and a header': call => {
    const [path = '', search = ''] = call.target.split('?')
    const head = presignedHead(
      { ...call, target: search === '' ? path : `${path}?${canonicalQuery(parseQuery(search))}` },
      SECRET,
      60,
      Date.now(),
    )
    const authorization = /^authorization:.*\r\n/im.exec(headOf(call))![0]
    return head.replace('\r\n\r\n', `\r\n${authorization}\r\n`)
  },
}

const BODIES = Object.keys(FORMS).filter(form => form !== 'none')
const ROWS = OPERATION_ROWS.filter(([, method]) => method !== 'OPTIONS')
const formsOf = (method: string) => (method === 'PUT' || method === 'POST' ? BODIES : ['none'])
const codeOf = (answer: string) => /<Code>(\w+)</.exec(answer)?.[1]
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

test.each(Object.keys(VISITORS))('%s is refused, whatever is asked', async visitor => {
  for (const row of ROWS) {
    for (const form of formsOf(row[1])) {
      const { body, ...call } = callOf(row, form)
      const answer = await rig.raw(VISITORS[visitor]!(call) + body)
      expect([row[3], form, statusOf(answer)]).toEqual([row[3], form, expect.toBeOneOf([400, 403])])
    }
  }
  expect(service.requests).toEqual([])
})

describe('who has signed', () => {
  test.each(ROWS.filter(([, , marker]) => marker !== '@form').map(row => [row[3], row] as const))(
    '%s reaches the store',
    async (_, row) => {
      for (const form of formsOf(row[1]).slice(0, 3)) {
        const { body, ...call } = callOf(row, form)
        const answer = await rig.raw(headOf(call) + body)
        expect([form, statusOf(answer), codeOf(answer)]).toEqual([form, 200, undefined])
        const { method, headers } = service.taken()
        expect([method, headers['authorization']]).toEqual([row[1], expect.stringContaining('Credential=real/')])
      }
    },
  )
})
