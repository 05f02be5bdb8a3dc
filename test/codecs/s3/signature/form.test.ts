import { describe, expect, test } from 'vitest'
import { authenticateForm, checkPostPolicy, SigningSecret, scopeOf } from '../../../../codecs/s3/index.ts'
import { ACCESS_KEY } from './vectors.ts'

const SECRET = new SigningSecret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
const NOW = Date.parse('2015-12-29T12:00:00Z')
const by = { now: NOW, secretOf: (key: string) => (key === ACCESS_KEY ? SECRET : undefined) }
const DOCUMENT = {
  expiration: '2015-12-30T12:00:00.000Z',
  conditions: [
    { bucket: 'sigv4examplebucket' },
    ['starts-with', '$key', 'user/user1/'],
    { acl: 'public-read' },
    ['starts-with', '$Content-Type', 'image/'],
    ['content-length-range', 1, '1048576'],
    { 'x-amz-credential': `${ACCESS_KEY}/20151229/us-east-1/s3/aws4_request` },
    ['eq', '$x-amz-algorithm', 'AWS4-HMAC-SHA256'],
    { 'x-amz-date': '20151229T000000Z' },
  ],
}

function form(document: unknown = DOCUMENT, change: Record<string, string | undefined> = {}): string[] {
  const policy = Buffer.from(JSON.stringify(document)).toString('base64')
  const fields: Record<string, string | undefined> = {
    key: 'user/user1/${filename}',
    acl: 'public-read',
    'content-type': 'image/jpeg',
    'x-amz-credential': `${ACCESS_KEY}/20151229/us-east-1/s3/aws4_request`,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-date': '20151229T000000Z',
    policy,
    'x-amz-signature': SECRET.key(scopeOf('20151229', 'us-east-1')).hex(policy),
    ...change,
  }
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
}

function check(fields: readonly string[], bucket = 'sigv4examplebucket', now = NOW) {
  return checkPostPolicy(authenticateForm(fields, by)!.policy, bucket, fields, now)
}

test("AWS's example of a signed policy", () => {
  // Its base64 as AWS prints it, with CRLF and blanks in the JSON.
  const policy =
    'eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9'
  const signature = '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e'
  expect(authenticateForm(form(DOCUMENT, { policy, 'x-amz-signature': signature }), by)).toEqual({
    accessKey: ACCESS_KEY,
    region: 'us-east-1',
    sessionToken: undefined,
    policy,
  })
})

describe('who sent a form', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['another policy', { policy: 'e30=' }, 'SignatureDoesNotMatch'],
    ['another signature', { 'x-amz-signature': 'a'.repeat(64) }, 'SignatureDoesNotMatch'],
    ['no policy', { policy: undefined }, 'InvalidArgument'],
    ['no signature', { 'x-amz-signature': undefined }, 'InvalidArgument'],
    ['no credential', { 'x-amz-credential': undefined }, 'InvalidArgument'],
    ['no date', { 'x-amz-date': undefined }, 'InvalidArgument'],
    ['another day', { 'x-amz-date': '20151230T000000Z' }, 'InvalidArgument'],
    ['another algorithm', { 'x-amz-algorithm': 'AWS4-ECDSA-P256-SHA256' }, 'InvalidRequest'],
    ['version 2', { awsaccesskeyid: 'x', signature: 'y' }, 'InvalidRequest'],
    ['an unknown key', { 'x-amz-credential': 'x/20151229/us-east-1/s3/aws4_request' }, 'InvalidAccessKeyId'],
  ])('%s', (_, change, code) => {
    expect(() => authenticateForm(form(DOCUMENT, change), by)).toThrow(expect.objectContaining({ code }))
  })

  test('a signature twice', () => {
    expect(() => authenticateForm([...form(), 'x-amz-signature', 'x'], by)).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    )
  })

  test('nobody', () => {
    expect(authenticateForm(['key', 'x', 'acl', 'private'], by)).toBeUndefined()
  })
})

describe('what a policy allows', () => {
  test('what it describes', () => {
    expect(check(form())).toEqual({ minBytes: 1, maxBytes: 1_048_576 })
    expect(check(form(DOCUMENT, { 'x-ignore-me': 'x', bucket: 'sigv4examplebucket' }))).toBeDefined()
    const second = { awsaccesskeyid: 'x', signature: 'y' }
    expect(() => check(form(DOCUMENT, second))).toThrow(expect.objectContaining({ code: 'InvalidRequest' }))
    const { policy } = authenticateForm(form(), by)!
    expect(checkPostPolicy(policy, 'sigv4examplebucket', form(DOCUMENT, second), NOW)).toBeDefined()
  })

  test.each<[string, Record<string, string | undefined>]>([
    ['another key', { key: 'user/user2/x' }],
    ['another ACL', { acl: 'private' }],
    ['another type', { 'content-type': 'text/html' }],
    ['a field less', { acl: undefined }],
    ['a field more', { 'x-amz-meta-a': 'x' }],
    ['another bucket in the form', { bucket: 'other' }],
  ])('not %s', (_, change) => {
    expect(() => check(form(DOCUMENT, change))).toThrow(expect.objectContaining({ code: 'AccessDenied' }))
  })

  test('not another bucket, not later, and no field twice', () => {
    expect(() => check(form(), 'other')).toThrow(expect.objectContaining({ code: 'AccessDenied' }))
    expect(() => check(form(), undefined, Date.parse(DOCUMENT.expiration))).toThrow('Policy expired')
    expect(() => check([...form(), 'key', 'user/user1/x'])).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    )
  })

  test.each([
    [null],
    [[]],
    ['x'],
    [{ conditions: [] }],
    [{ expiration: '2030-01-01T00:00:00Z' }],
    [{ expiration: 'tomorrow', conditions: [] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [['eq', 'key', 'x']] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [['eq', '$key']] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [['matches', '$key', 'x']] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [['content-length-range', -1, 2]] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [{ key: 1 }] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [{}] }],
    [{ expiration: '2030-01-01T00:00:00Z', conditions: [null] }],
  ])('%j is none', document => {
    expect(() => check(form(document))).toThrow(expect.objectContaining({ code: 'InvalidPolicyDocument' }))
  })
})
