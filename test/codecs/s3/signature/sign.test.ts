/** What we sign against what the AWS SDK's signer makes of the same, and what it signs against our verification. */
import { createHash, createHmac } from 'node:crypto'
import { S3RequestPresigner } from '@aws-sdk/s3-request-presigner'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AUTH_HEADERS,
  authenticate,
  canonicalQuery,
  encodePath,
  isAuthParameter,
  parseQuery,
  presign,
  SigningSecret,
  signRequest,
  valueIn,
} from '../../../../codecs/s3/index.ts'

const NOW = Date.parse('2026-02-03T04:05:06Z')
const HASH = 'b'.repeat(64)

/** For the SDK's signer. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : bytes(secret))
  }
  update(data: Uint8Array | string) {
    this.#hash.update(data)
  }
  async digest() {
    return new Uint8Array(this.#hash.digest())
  }
}

function bytes(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/)
const word = fc.stringMatching(/^[A-Za-z0-9/+=_.-]{1,30}$/)
/** No sender has others in a header, and the SDK's signer takes none but ASCII for what they are. */
const value = fc.stringMatching(/^[!-~]?[ -~]{0,20}[!-~]$/)
const key = fc.string({ unit: 'grapheme', maxLength: 20 })
const query = fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 8 }), { maxKeys: 4 })

const request = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
  host: fc.constantFrom('store.example.com', '127.0.0.1:9000'),
  key,
  query,
  meta: fc.dictionary(
    name.map(text => `x-amz-meta-${text}`),
    value,
    { maxKeys: 3 },
  ),
  other: fc.dictionary(fc.constantFrom('content-type', 'content-md5', 'range', 'if-match'), value, { maxKeys: 3 }),
  accessKey: word,
  secret: fc.string({ minLength: 1, maxLength: 100 }),
  sessionToken: fc.option(word, { nil: undefined }),
  region: fc.constantFrom('us-east-1', 'auto', 'eu-west-3'),
})

type Drawn = typeof request extends fc.Arbitrary<infer T> ? T : never

function signer({ accessKey, secret, sessionToken, region }: Drawn) {
  const theirs = {
    region,
    credentials: { accessKeyId: accessKey, secretAccessKey: secret, ...(sessionToken ? { sessionToken } : {}) },
    sha256: Sha256,
    applyChecksum: false,
  }
  return {
    ours: { accessKey, secret: new SigningSecret(secret), sessionToken, region },
    theirs: new SignatureV4({ ...theirs, service: 's3', uriEscapePath: false }),
    presigner: new S3RequestPresigner(theirs),
  }
}

function theirRequest(drawn: Drawn, headers: Record<string, string>) {
  const [hostname = '', port] = drawn.host.split(':')
  return {
    method: drawn.method,
    protocol: 'http:',
    hostname,
    ...(port ? { port: Number(port) } : {}),
    path: `/${encodePath(drawn.key)}`,
    query: drawn.query,
    headers: { host: drawn.host, ...headers },
  }
}

const flat = (record: Record<string, string>) => Object.entries(record).flat()

describe('the signer of the SDK', () => {
  test('signs the same', async () => {
    await fc.assert(
      fc.asyncProperty(request, async drawn => {
        const { ours, theirs } = signer(drawn)
        const headers = flat({ ...drawn.other, ...drawn.meta })
        const path = `/${encodePath(drawn.key)}`
        const unsigned = {
          method: drawn.method,
          host: drawn.host,
          path,
          query: canonicalQuery(flat(drawn.query)),
          headers,
        }
        signRequest({ ...unsigned, contentSha256: HASH }, ours, NOW)
        const signed = await theirs.sign(
          theirRequest(drawn, { ...drawn.other, ...drawn.meta, 'x-amz-content-sha256': HASH }),
          { signingDate: new Date(NOW), unsignableHeaders: new Set(['range', 'if-match']) },
        )
        expect(valueIn(headers, 'authorization')!.replaceAll(',', ', ')).toBe(signed.headers['authorization'])
        expect(valueIn(headers, 'x-amz-date')).toBe(signed.headers['x-amz-date'])
        expect(valueIn(headers, 'x-amz-security-token')).toBe(drawn.sessionToken)
      }),
    )
  })

  test('is verified', async () => {
    await fc.assert(
      fc.asyncProperty(request, async drawn => {
        const { ours, theirs } = signer(drawn)
        const signed = await theirs.sign(
          theirRequest(drawn, { ...drawn.other, ...drawn.meta, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
          { signingDate: new Date(NOW) },
        )
        const path = `/${encodePath(drawn.key)}`
        const incoming = { method: drawn.method, path, query: flat(drawn.query), headers: flat(signed.headers) }
        const by = {
          now: NOW,
          secretOf: (accessKey: string) => (accessKey === drawn.accessKey ? ours.secret : undefined),
        }
        expect(authenticate(incoming, by)).toMatchObject({
          accessKey: drawn.accessKey,
          region: drawn.region,
          payload: 'unsigned',
          sessionToken: drawn.sessionToken,
        })
        expect(() => authenticate({ ...incoming, method: 'PATCH' }, by)).toThrow(
          expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
        )
      }),
    )
  })

  test('presigns what is verified', async () => {
    await fc.assert(
      fc.asyncProperty(request, fc.integer({ min: 1, max: 604_800 }), async (drawn, expiresIn) => {
        const { ours, presigner } = signer(drawn)
        const signed = await presigner.presign(theirRequest(drawn, drawn.meta), {
          signingDate: new Date(NOW),
          expiresIn,
          unhoistableHeaders: new Set(Object.keys(drawn.meta)),
        })
        const incoming = {
          method: drawn.method,
          path: `/${encodePath(drawn.key)}`,
          query: flat(signed.query as Record<string, string>),
          headers: flat({ ...signed.headers, ...drawn.meta, host: drawn.host }),
        }
        const verified = authenticate(incoming, { now: NOW + expiresIn * 1000, secretOf: () => ours.secret })
        expect(verified).toMatchObject({
          kind: 'presigned',
          accessKey: drawn.accessKey,
          sessionToken: drawn.sessionToken,
        })
      }),
    )
  })
})

test('what we presign is verified', () => {
  fc.assert(
    fc.property(request, drawn => {
      const { ours } = signer(drawn)
      const headers = flat(drawn.meta)
      const path = `/${encodePath(drawn.key)}`
      const text = presign(
        { method: drawn.method, host: drawn.host, path, query: flat(drawn.query), headers, expires: 60 },
        ours,
        NOW,
      )
      const incoming = {
        method: drawn.method,
        path,
        query: parseQuery(text),
        headers: ['host', drawn.host, ...headers],
      }
      const by = { secretOf: () => ours.secret }
      expect(authenticate(incoming, { ...by, now: NOW })).toMatchObject({ kind: 'presigned', payload: 'unsigned' })
      expect(() => authenticate(incoming, { ...by, now: NOW + 61_000 })).toThrow('Request has expired')
    }),
  )
})

test('we sign only what no gateway changes', () => {
  const headers = [
    'user-agent',
    'a',
    'content-type',
    'b',
    'range',
    'c',
    'x-amz-acl',
    'd',
    'expect',
    'e',
    'x-amz-acl',
    'f',
  ]
  const signer = { accessKey: 'k', secret: new SigningSecret('s'), sessionToken: undefined, region: 'r' }
  signRequest({ method: 'PUT', host: 'h', path: '/', query: '', headers, contentSha256: HASH }, signer, NOW)
  expect(valueIn(headers, 'authorization')).toContain(
    'SignedHeaders=content-type;host;x-amz-acl;x-amz-content-sha256;x-amz-date,',
  )
})

test('signing keys of many regions stay right', () => {
  const secret = new SigningSecret('secret')
  const regions = Array.from({ length: 100 }, (_, i) => `r${i}`)
  const scope = (region: string) => ({
    day: '20260101',
    region,
    service: 's3',
    text: `20260101/${region}/s3/aws4_request`,
  })
  const first = regions.map(region => secret.key(scope(region)).hex('x'))
  expect(new Set(first).size).toBe(100)
  expect(regions.map(region => secret.key(scope(region)).hex('x'))).toEqual(first)
  expect(JSON.stringify([secret, Object.keys(secret)])).not.toContain('secret')
})

test('what authenticates is known, to be left out', () => {
  expect(['X-Amz-Signature', 'x-amz-date', 'AWSAccessKeyId', 'X-Amz-Expires'].every(isAuthParameter)).toBe(true)
  expect(['x-amz-acl', 'versionId', 'response-expires'].some(isAuthParameter)).toBe(false)
  expect(AUTH_HEADERS).toEqual(['authorization', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'])
})
