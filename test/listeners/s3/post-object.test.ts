/** Uploads by a form, as a browser posts it: signed, judged by their policy, and stored whole or not at all. */
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createChecksum, SigningSecret, scopeOf } from '../../../codecs/s3/index.ts'
import { KEY, S3Rig, SECRET } from '../../support/s3-rig.ts'

const secretAccessKey = { env: 'PORTOLAN_TEST_S3_SECRET' }
const Bucket = 'bucket'
const rig = new S3Rig()
/** Before another Portolan as its service. */
const proxying = new S3Rig()
let client: S3Client

beforeAll(async () => {
  await rig.start({
    keys: [
      { accessKeyId: KEY, secretAccessKey },
      { accessKeyId: 'tenant', secretAccessKey, buckets: [Bucket], prefixes: ['team/'], maxObjectSize: '100B' },
    ],
  })
  client = rig.client()
  await client.send(new CreateBucketCommand({ Bucket }))
  await proxying.backend('b', {
    endpoint: `http://127.0.0.1:${rig.port}`,
    credentials: { accessKeyId: KEY, secretAccessKey },
    buckets: { bucket: { prefix: 'below/' } },
  })
  await proxying.start()
})
afterAll(async () => {
  await proxying.close()
  await rig.close()
})

interface Form {
  readonly fields?: Readonly<Record<string, string | undefined>>
  readonly conditions?: readonly unknown[]
  readonly file?: Buffer | string
  readonly expiration?: string
  readonly secret?: string
  readonly accessKey?: string
  /** Behind the file. */
  readonly behind?: readonly (readonly [string, string])[]
  readonly change?: (form: Buffer) => Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly at?: S3Rig
}

const today = new Date().toISOString().slice(0, 10).replaceAll('-', '')
const BOUNDARY = 'a-boundary'
const part = (name: string, value: string, more = '') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`

/** Posts a form whose policy allows its fields, unless it says otherwise. */
async function post(form: Form = {}): Promise<Response> {
  const { accessKey = KEY, file = 'the file', at = rig, secret = SECRET } = form
  const own = { key: 'key', ...form.fields }
  const signed = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${accessKey}/${today}/us-east-1/s3/aws4_request`,
    'x-amz-date': `${today}T000000Z`,
  }
  const eqs = Object.entries({ ...own, ...signed }).filter(([, value]) => value !== undefined)
  const conditions = form.conditions ?? [{ bucket: Bucket }, ...eqs.map(([name, value]) => ['eq', `$${name}`, value])]
  const expiration = form.expiration ?? new Date(Date.now() + 60_000).toISOString()
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const fields = {
    ...own,
    ...signed,
    policy,
    'x-amz-signature': new SigningSecret(secret).key(scopeOf(today, 'us-east-1')).hex(policy),
    ...form.fields,
  }
  let head = ''
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) head += part(name, value)
  head += `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`
  const tail = (form.behind ?? []).map(([name, value]) => part(name, value)).join('')
  const whole = Buffer.concat([Buffer.from(head), Buffer.from(file), Buffer.from(`\r\n${tail}--${BOUNDARY}--\r\n`)])
  return fetch(`http://127.0.0.1:${at.port}/${Bucket}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...form.headers },
    body: new Uint8Array(form.change?.(whole) ?? whole),
  })
}
const codeOf = async (answer: Response) => /<Code>(\w+)</.exec(await answer.text())?.[1] ?? String(answer.status)
async function stored(Key: string): Promise<{ text: string; type: string | undefined; meta: unknown } | undefined> {
  try {
    const { Body, ContentType, Metadata } = await client.send(new GetObjectCommand({ Bucket, Key }))
    return { text: await Body!.transformToString(), type: ContentType, meta: Metadata }
  } catch {
    return undefined
  }
}

describe('a form that is right', () => {
  test('stores its file, with the type that the browser saw and the metadata of the form', async () => {
    const answer = await post({
      fields: { key: 'photos/${filename}', 'x-amz-meta-a': 'b' },
      conditions: [
        { bucket: Bucket },
        ['starts-with', '$key', 'photos/'],
        ['starts-with', '$x-amz-', ''],
        { 'x-amz-meta-a': 'b' },
        ['starts-with', '$x-amz-algorithm', ''],
        ['starts-with', '$x-amz-credential', KEY],
        ['starts-with', '$x-amz-date', ''],
      ],
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(answer.headers.get('location')).toBe(`http://127.0.0.1:${rig.port}/${Bucket}/photos/photo.jpg`)
    expect(await stored('photos/photo.jpg')).toEqual({ text: 'the file', type: 'image/jpeg', meta: { a: 'b' } })
  })

  test.each([0, 1, 100_000, 3_000_000])('of %i bytes', async length => {
    const file = Buffer.alloc(length, 'bytes of a file ')
    expect((await post({ fields: { key: `of ${length}` }, file })).status).toBe(204)
    expect((await stored(`of ${length}`))!.text).toBe(file.toString())
  })

  test('whose file looks like the end of a form', async () => {
    const file = `\r\n--${BOUNDARY.slice(0, -1)}\r\n--a\r\n\r\n-`
    expect((await post({ fields: { key: 'sly' }, file })).status).toBe(204)
    expect((await stored('sly'))!.text).toBe(file)
  })

  test('that ends without a line break, as RFC 2046 lets it', async () => {
    expect((await post({ fields: { key: 'unbroken' }, change: form => form.subarray(0, -2) })).status).toBe(204)
    expect((await stored('unbroken'))!.text).toBe('the file')
  })

  test('before a service, below the prefix that the bucket has there', async () => {
    for (const file of ['by a proxy', Buffer.alloc(300_000, 'long ')]) {
      const answer = await post({ at: proxying, file, fields: { success_action_status: '201' } })
      expect(answer.status).toBe(201)
      const document = await answer.text()
      expect(document).toContain(`<Location>http://127.0.0.1:${proxying.port}/${Bucket}/key</Location>`)
      expect(document).toContain('<Key>key</Key>')
      expect((await stored('below/key'))!.text).toBe(file.toString())
    }
  })

  test('keeps the checksum that it names, and is refused when the file has another', async () => {
    const sum = createChecksum('CRC32C')
    sum.update(Buffer.from('the file'))
    const right = { key: 'summed', 'x-amz-checksum-crc32c': sum.base64() }
    expect((await post({ fields: right })).status).toBe(204)
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'summed', ChecksumMode: 'ENABLED' }))
    expect(head.ChecksumCRC32C).toBe(right['x-amz-checksum-crc32c'])
    expect(await codeOf(await post({ fields: { ...right, key: 'missummed' }, file: 'another file' }))).toBe('BadDigest')
    expect(await codeOf(await post({ at: proxying, fields: { ...right, key: 'missummed' }, file: 'another' }))).toBe(
      'BadDigest',
    )
    expect(await stored('missummed')).toBeUndefined()
    expect(await stored('below/missummed')).toBeUndefined()
  })
})

describe('its answer', () => {
  test.each([
    ['200', 200],
    ['201', 201],
    ['204', 204],
    ['404', 204],
    ['', 204],
  ])('with success_action_status %j has the status %i', async (success_action_status, status) => {
    const answer = await post({ fields: { success_action_status } })
    expect(answer.status).toBe(status)
    const document = await answer.text()
    expect(document === '').toBe(status !== 201)
  })

  test('as a document names the object as the application knows it', async () => {
    const answer = await post({ fields: { key: "a b/('é')", success_action_status: '201' } })
    const location = `http://127.0.0.1:${rig.port}/${Bucket}/a%20b/%28%27%C3%A9%27%29`
    expect(answer.headers.get('location')).toBe(location)
    const document = await answer.text()
    expect(document).toContain(`<Location>${location}</Location><Bucket>${Bucket}</Bucket>`)
    expect(document).toMatch(/<Key>a b\/\('é'\)<\/Key><ETag>&quot;[0-9a-f]{32}&quot;<\/ETag>/)
  })

  test.each(['success_action_redirect', 'redirect'])('sends the browser on by %s', async name => {
    const answer = await post({ fields: { key: 'a&b', [name]: 'https://page.example/done?a=b' } })
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(
      /^https:\/\/page\.example\/done\?a=b&bucket=bucket&key=a%26b&etag=%22[0-9a-f]{32}%22$/,
    )
  })

  test.each(['javascript:alert(1)', '//page.example', 'https://page.example/\r\nx-evil: 1', 'https://a b'])(
    'does not send it to %j',
    async redirect => {
      const answer = await post({ fields: { redirect } })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('x-evil')).toBeNull()
    },
  )
})

describe('a form that is refused', () => {
  test.each<[string, Form, string]>([
    ['a wrong signature', { secret: 'another' }, 'SignatureDoesNotMatch'],
    ['an unknown key', { accessKey: 'nobody' }, 'InvalidAccessKeyId'],
    ['no signature', { fields: { 'x-amz-signature': undefined } }, 'InvalidArgument'],
    ['a policy that is over', { expiration: new Date(Date.now() - 1000).toISOString() }, 'AccessDenied'],
    ['another bucket', { conditions: [{ bucket: 'other' }] }, 'AccessDenied'],
    ['a field that no condition speaks of', { conditions: [{ bucket: Bucket }, { key: 'refused' }] }, 'AccessDenied'],
    ['a key elsewhere', { conditions: [['starts-with', '$key', 'user/']] }, 'AccessDenied'],
    ['no key', { fields: { key: undefined } }, 'UserKeyMustBeSpecified'],
    ['fields behind the file', { behind: [['acl', 'public-read']] }, 'MalformedPOSTRequest'],
    ['two files', { behind: [['file', 'another']] }, 'MalformedPOSTRequest'],
    ['an end that is missing', { change: form => form.subarray(0, -10) }, 'IncompleteBody|MalformedPOSTRequest'],
    ['another boundary', { headers: { 'content-type': 'multipart/form-data; boundary=b' } }, 'MalformedPOSTRequest'],
    ['a bucket of another key’s', { accessKey: 'tenant' }, 'AccessDenied'],
    [
      'more bytes than its key may send',
      { accessKey: 'tenant', fields: { key: 'team/refused' }, file: Buffer.alloc(101) },
      'EntityTooLarge',
    ],
  ])('for %s stores nothing', async (_, form, code) => {
    const key = 'key' in (form.fields ?? {}) ? form.fields!['key'] : 'refused'
    for (const file of form.file === undefined ? ['x', Buffer.alloc(300_000, 'x')] : [form.file]) {
      expect(await codeOf(await post({ ...form, file, fields: { ...form.fields, key } }))).toMatch(
        new RegExp(`^(${code})$`),
      )
      expect(await stored(key ?? 'refused')).toBeUndefined()
    }
  })

  test.each([
    ['too large', [0, 9], 'EntityTooLarge', { ProposedSize: '10', MaxSizeAllowed: '9' }],
    ['too small', [11, 20], 'EntityTooSmall', { ProposedSize: '10', MinSizeAllowed: '11' }],
  ] as const)('since its file is %s says what would do', async (_, [min, max], code, told) => {
    const answer = await post({
      file: '0123456789',
      fields: { key: 'sized' },
      conditions: [['content-length-range', min, max], ['starts-with', '$key', ''], ...ANY],
    })
    const document = await answer.text()
    expect(document).toContain(`<Code>${code}</Code>`)
    for (const [name, value] of Object.entries(told)) expect(document).toContain(`<${name}>${value}</${name}>`)
    expect(await stored('sized')).toBeUndefined()
  })

  test('leaves what was there', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'old' }))
    expect(await codeOf(await post({ fields: { key: 'kept' }, behind: [['a', 'b']] }))).toBe('MalformedPOSTRequest')
    expect((await stored('kept'))!.text).toBe('old')
  })
})

const ANY = ['x-amz-algorithm', 'x-amz-credential', 'x-amz-date'].map(name => ['starts-with', `$${name}`, ''])
