import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authenticate, HmacKey, parseQuery, type S3Error, SigningSecret } from '../../../../codecs/s3/index.ts'
import { ACCESS_KEY, authorization, NOW, PRESIGNED_QUERY, SECRET, VECTORS, type Vector } from './vectors.ts'

const MINUTE = 60_000
const HEX = 'a'.repeat(64)

function secretOf(accessKey: string) {
  return accessKey === ACCESS_KEY ? SECRET : undefined
}

interface Change {
  method?: string
  target?: string
  headers?: readonly string[]
  authorization?: string
  now?: number
  otherHosts?: readonly string[]
}

function run(vector: Vector, change: Change = {}) {
  const [path = '', query = ''] = (change.target ?? vector.target).split('?', 2)
  const headers = [
    ...(change.headers ?? vector.headers),
    'authorization',
    change.authorization ?? authorization(vector),
  ]
  const request = { method: change.method ?? vector.method, path, query: parseQuery(query), headers }
  return authenticate(request, { now: change.now ?? NOW, secretOf, otherHosts: change.otherHosts ?? [] })
}

/** Headers with some values replaced. */
function withHeader(headers: readonly string[], name: string, value: string): string[] {
  return headers.map((text, at) => (at % 2 === 1 && headers[at - 1] === name ? value : text))
}

const GET = VECTORS[0]!
const PUT = VECTORS[1]!

describe("AWS's examples", () => {
  test.each(VECTORS)('$name', vector => {
    const verified = run(vector)!
    expect(verified).toMatchObject({ kind: 'header', accessKey: ACCESS_KEY, region: 'us-east-1' })
    expect(verified.seed.signature).toBe(vector.signature)
  })

  test('the presigned URL', () => {
    const request = {
      method: 'GET',
      path: '/test.txt',
      query: parseQuery(PRESIGNED_QUERY),
      headers: ['host', 'examplebucket.s3.amazonaws.com'],
    }
    const verify = (now: number) => authenticate(request, { now, secretOf })
    expect(verify(NOW)).toMatchObject({ kind: 'presigned', payload: 'unsigned', contentSha256: 'UNSIGNED-PAYLOAD' })
    expect(verify(NOW + 86_400_000)).toBeDefined()
    expect(() => verify(NOW + 86_401_000)).toThrow(
      expect.objectContaining({ code: 'AccessDenied', message: 'Request has expired' }),
    )
    expect(verify(NOW - 15 * MINUTE)).toBeDefined()
    expect(() => verify(NOW - 15 * MINUTE - 1)).toThrow(expect.objectContaining({ code: 'RequestTimeTooSkewed' }))
  })
})

describe('a request that was changed is refused', () => {
  test.each<[string, Vector, Change]>([
    ['another method', GET, { method: 'PUT' }],
    ['another path', GET, { target: '/test.txT' }],
    ['a query', GET, { target: '/test.txt?acl' }],
    ['another query', VECTORS[3]!, { target: '/?max-keys=3&prefix=J' }],
    ['another header', GET, { headers: withHeader(GET.headers, 'range', 'bytes=0-8') }],
    ['a header twice', GET, { headers: [...GET.headers, 'range', 'bytes=0-9'] }],
    ['a header less', GET, { headers: GET.headers.filter((_, at) => at !== 2 && at !== 3) }],
    ['another host', GET, { headers: withHeader(GET.headers, 'host', 'evil') }],
    ['another hash', GET, { headers: withHeader(GET.headers, 'x-amz-content-sha256', HEX) }],
    ['another second', GET, { headers: withHeader(GET.headers, 'x-amz-date', '20130524T000001Z') }],
    ['another region', GET, { authorization: authorization(GET).replace('us-east-1', 'eu-west-1') }],
    ['another signature', GET, { authorization: authorization({ ...GET, signature: HEX }) }],
  ])('%s', (_, vector, change) => {
    expect(() => run(vector, change)).toThrow(expect.objectContaining({ code: 'SignatureDoesNotMatch', status: 403 }))
  })

  test('any byte of the request', () => {
    fc.assert(
      fc.property(fc.constantFrom(...VECTORS), fc.nat(), fc.nat(), (vector, where, bit) => {
        const texts = [vector.method, vector.target, ...vector.headers]
        const at = where % texts.length
        const text = texts[at]!
        if (at >= 2 && at % 2 === 0) return
        const place = bit % text.length
        const changed = String.fromCharCode(text.charCodeAt(place) ^ (1 << (bit % 7)))
        texts[at] = text.slice(0, place) + changed + text.slice(place + 1)
        const change = { method: texts[0]!, target: texts[1]!, headers: texts.slice(2) }
        // The date of a vector with x-amz-date, and content-length, are only more headers.
        expect(() => run(vector, change)).toThrow()
      }),
      { numRuns: 500 },
    )
  })
})

describe('what means the same is taken', () => {
  test.each<[string, Vector, Change]>([
    ['an encoded path', PUT, { target: '/test%24file.text' }],
    ['a path encoded without need', PUT, { target: '/%74est$file%2etext' }],
    ['another order of the query', VECTORS[3]!, { target: '/?prefix=J&max-keys=2' }],
    ['a query with an equals sign', VECTORS[2]!, { target: '/?lifecycle=' }],
    ['white space around and in values', GET, { headers: withHeader(GET.headers, 'range', ' \tbytes=0-9 ') }],
    ['headers that were added on the way', GET, { headers: [...GET.headers, 'user-agent', 'x', 'via', 'y'] }],
    ['spaces in the authorization', GET, { authorization: authorization(GET).replaceAll(',', ', ') }],
    [
      'another order in the authorization',
      GET,
      { authorization: authorization(GET).replace(/(Credential=[^,]*),(.*)/, '$2,$1') },
    ],
    ['a clock 15 minutes ahead', GET, { now: NOW - 15 * MINUTE }],
    ['a clock 15 minutes behind', GET, { now: NOW + 15 * MINUTE }],
    [
      'a host of ours that a proxy changed',
      GET,
      { headers: withHeader(GET.headers, 'host', 'inner'), otherHosts: ['x', GET.headers[1]!] },
    ],
  ])('%s', (_, vector, change) => {
    expect(run(vector, change)).toMatchObject({ accessKey: ACCESS_KEY })
  })

  test('a Date header where there is no x-amz-date', () => {
    const headers = ['host', 'h', 'date', 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD']
    const vector = { ...GET, headers, signedHeaders: 'date;host', signature: HEX }
    const { fields } = refusal(() => run(vector))
    const signature = new SigningSecret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
      .key({ day: '20130524', region: 'us-east-1', service: 's3', text: '20130524/us-east-1/s3/aws4_request' })
      .hex(fields['StringToSign']!)
    expect(run({ ...vector, signature })).toBeDefined()
    expect(() => run({ ...vector, signature, signedHeaders: 'host' })).toThrow(
      expect.objectContaining({ code: 'AccessDenied', fields: { HeadersNotSigned: 'date' } }),
    )
  })
})

function refusal(act: () => unknown): S3Error {
  try {
    act()
  } catch (error) {
    return error as S3Error
  }
  throw new Error('not refused')
}

describe('what is no valid claim', () => {
  const swap = (from: string | RegExp, to: string) => ({ authorization: authorization(GET).replace(from, to) })
  test.each<[string, Change, string]>([
    ['version 2', { authorization: 'AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=' }, 'InvalidRequest'],
    ['version 4A', swap('HMAC-SHA256', 'ECDSA-P256-SHA256'), 'InvalidRequest'],
    ['Basic', { authorization: 'Basic dTpw' }, 'InvalidRequest'],
    ['another case', swap('AWS4-HMAC', 'aws4-hmac'), 'InvalidRequest'],
    ['empty', { authorization: '' }, 'InvalidRequest'],
    ['the algorithm only', { authorization: 'AWS4-HMAC-SHA256' }, 'AuthorizationHeaderMalformed'],
    ['no credential', swap(/Credential=[^,]*,/, ''), 'AuthorizationHeaderMalformed'],
    ['no signature', swap(/,Signature=.*/, ''), 'AuthorizationHeaderMalformed'],
    ['no headers', swap(/SignedHeaders=[^,]*,/, ''), 'AuthorizationHeaderMalformed'],
    ['two credentials', swap('SignedHeaders', 'Credential=x,SignedHeaders'), 'AuthorizationHeaderMalformed'],
    ['something more', swap(/$/, ',X=y'), 'AuthorizationHeaderMalformed'],
    ['a comma more', swap(/$/, ','), 'AuthorizationHeaderMalformed'],
    ['a short signature', swap(/.$/, ''), 'AuthorizationHeaderMalformed'],
    ['a long signature', swap(/$/, '0'), 'AuthorizationHeaderMalformed'],
    ['a signature in upper case', swap('f0e8', 'F0E8'), 'AuthorizationHeaderMalformed'],
    ['another service', swap('/s3/', '/ec2/'), 'AuthorizationHeaderMalformed'],
    ['another end', swap('aws4_request', 'aws4'), 'AuthorizationHeaderMalformed'],
    ['another day', swap('20130524', '20130523'), 'AuthorizationHeaderMalformed'],
    ['a day of seven digits', swap('20130524', '2013052'), 'AuthorizationHeaderMalformed'],
    ['signed headers in upper case', swap('host;', 'Host;'), 'AuthorizationHeaderMalformed'],
    ['a signed header twice', swap('host;', 'host;host;'), 'AuthorizationHeaderMalformed'],
    ['an empty signed header', swap('host;', 'host;;'), 'AuthorizationHeaderMalformed'],
    ['an unknown key', swap('AKIA', 'BKIA'), 'InvalidAccessKeyId'],
    ['a clock far ahead', { now: NOW - 15 * MINUTE - 1 }, 'RequestTimeTooSkewed'],
    ['a clock far behind', { now: NOW + 15 * MINUTE + 1 }, 'RequestTimeTooSkewed'],
    ['the host not signed', swap('host;', ''), 'AccessDenied'],
    [
      'a date of another form',
      { headers: withHeader(GET.headers, 'x-amz-date', '2013-05-24T00:00:00Z') },
      'AuthorizationHeaderMalformed',
    ],
    [
      'a date that is none',
      { headers: withHeader(GET.headers, 'x-amz-date', '20130524T250000Z') },
      'AuthorizationHeaderMalformed',
    ],
    ['no date', { headers: GET.headers.slice(0, -2) }, 'AccessDenied'],
    ['no hash', { headers: GET.headers.filter((_, at) => at !== 4 && at !== 5) }, 'InvalidRequest'],
    ['a hash that is none', { headers: withHeader(GET.headers, 'x-amz-content-sha256', 'x') }, 'InvalidArgument'],
    ['both ways', { target: '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' }, 'InvalidArgument'],
    ['both ways, in lower case', { target: '/test.txt?x-amz-signature=x' }, 'InvalidArgument'],
    ['the old and the new way', { target: '/test.txt?Signature=x' }, 'InvalidArgument'],
    [
      'two Authorization headers',
      { headers: [...GET.headers, 'authorization', authorization(GET)] },
      'InvalidArgument',
    ],
  ])('%s', (_, change, code) => {
    expect(() => run(GET, change)).toThrow(expect.objectContaining({ code }))
  })

  test.each([
    'x-amz-acl',
    'x-amz-meta-a',
    'x-amz-tagging',
    'x-amz-security-token',
    'x-amz-copy-source',
    'x-amz-decoded-content-length',
    'x-amz-trailer',
    'x-amz-checksum-crc32',
  ])('%s that is not signed', name => {
    expect(() => run(GET, { headers: [...GET.headers, name, 'x'] })).toThrow(
      expect.objectContaining({ code: 'AccessDenied', fields: { HeadersNotSigned: name } }),
    )
  })
})

describe('what is no valid presigned query', () => {
  const ask = (query: string, headers: readonly string[] = []) =>
    authenticate(
      {
        method: 'GET',
        path: '/test.txt',
        query: parseQuery(query),
        headers: ['host', 'examplebucket.s3.amazonaws.com', ...headers],
      },
      { now: NOW, secretOf },
    )
  const part = (name: string) => new RegExp(`&?${name}=[^&]*`)

  test.each([
    ['no algorithm', PRESIGNED_QUERY.replace(part('X-Amz-Algorithm'), ''), 'AuthorizationQueryParametersError'],
    ['another algorithm', PRESIGNED_QUERY.replace('HMAC', 'ECDSA'), 'InvalidRequest'],
    ['no credential', PRESIGNED_QUERY.replace(part('X-Amz-Credential'), ''), 'AuthorizationQueryParametersError'],
    ['no date', PRESIGNED_QUERY.replace(part('X-Amz-Date'), ''), 'AuthorizationQueryParametersError'],
    ['no expiry', PRESIGNED_QUERY.replace(part('X-Amz-Expires'), ''), 'AuthorizationQueryParametersError'],
    ['no headers', PRESIGNED_QUERY.replace(part('X-Amz-SignedHeaders'), ''), 'AuthorizationQueryParametersError'],
    ['no signature', PRESIGNED_QUERY.replace(part('X-Amz-Signature'), ''), 'AuthorizationQueryParametersError'],
    ['expiry 0', PRESIGNED_QUERY.replace('86400', '0'), 'AuthorizationQueryParametersError'],
    ['expiry of more than a week', PRESIGNED_QUERY.replace('86400', '604801'), 'AuthorizationQueryParametersError'],
    ['negative expiry', PRESIGNED_QUERY.replace('86400', '-1'), 'AuthorizationQueryParametersError'],
    ['expiry in another form', PRESIGNED_QUERY.replace('86400', '1e3'), 'AuthorizationQueryParametersError'],
    ['another expiry', PRESIGNED_QUERY.replace('86400', '86401'), 'SignatureDoesNotMatch'],
    ['a signature twice', `${PRESIGNED_QUERY}&X-Amz-Signature=${HEX}`, 'AuthorizationQueryParametersError'],
    ['an expiry in another spelling', `${PRESIGNED_QUERY}&x-amz-expires=9`, 'AuthorizationQueryParametersError'],
    ['one more parameter', `${PRESIGNED_QUERY}&versionId=x`, 'SignatureDoesNotMatch'],
    ['version 2', 'AWSAccessKeyId=x&Signature=y&Expires=1', 'InvalidRequest'],
  ])('%s', (_, query, code) => {
    expect(() => ask(query)).toThrow(expect.objectContaining({ code }))
  })

  test('a header that would change what the URL was made for', () => {
    expect(() => ask(PRESIGNED_QUERY, ['x-amz-acl', 'public-read'])).toThrow(
      expect.objectContaining({ code: 'AccessDenied', fields: { HeadersNotSigned: 'x-amz-acl' } }),
    )
  })

  test('its sender may say more of the body, but not that it is signed (CVE-2026-41145)', () => {
    expect(ask(PRESIGNED_QUERY, ['x-amz-content-sha256', HEX])).toMatchObject({ payload: 'hash', contentSha256: HEX })
    expect(ask(PRESIGNED_QUERY, ['x-amz-content-sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])).toMatchObject({
      payload: 'unsigned-chunks-trailer',
    })
    const signed = ['x-amz-content-sha256', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD']
    expect(() => ask(PRESIGNED_QUERY, signed)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
    const forged = PRESIGNED_QUERY.replace(/.$/, '5')
    const trailer = ['x-amz-content-sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER']
    expect(() => ask(forged, trailer)).toThrow(expect.objectContaining({ code: 'SignatureDoesNotMatch' }))
  })

  test('nobody is claimed', () => {
    expect(ask('')).toBeUndefined()
    expect(ask('prefix=X-Amz-Signature', ['x-amz-acl', 'private'])).toBeUndefined()
  })
})

test('a mismatch says what was signed', () => {
  const { fields } = refusal(() => run(GET, { headers: withHeader(GET.headers, 'range', 'bytes=0-8\xc3\xa4') }))
  expect(fields['CanonicalRequest']).toBe(
    `GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-8ä\nx-amz-content-sha256:${GET.headers[5]}\nx-amz-date:20130524T000000Z\n\n${GET.signedHeaders}\n${GET.headers[5]}`,
  )
  expect(fields['StringToSign']).toMatch(
    /^AWS4-HMAC-SHA256\n20130524T000000Z\n20130524\/us-east-1\/s3\/aws4_request\n[0-9a-f]{64}$/,
  )
  expect(fields['StringToSignBytes']).toMatch(/^41 57 53 34 ([0-9a-f]{2} )*[0-9a-f]{2}$/)
  expect(fields['CanonicalRequestBytes']).toContain('c3 a4')
  expect(fields).toMatchObject({ AWSAccessKeyId: ACCESS_KEY, SignatureProvided: GET.signature })
  expect(JSON.stringify(fields)).not.toContain('wJalr')
})

test('the HMAC is that of Node', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.uint8Array({ maxLength: 300 })), (bytes, messages) => {
      const key = new HmacKey(Buffer.from(bytes))
      for (const message of messages) {
        const expected = createHmac('sha256', bytes).update(message).digest()
        const text = Buffer.from(message).toString('latin1')
        expect(key.hex(text)).toBe(expected.toString('hex'))
        expect(key.bytes(text)).toEqual(expected)
      }
    }),
  )
})
