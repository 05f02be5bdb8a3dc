import { describe, expect, test } from 'vitest'
import { baseDomains, isBucketName, parseAddress, upstreamAddress } from '../../../codecs/s3/index.ts'

const DOMAINS = baseDomains(['*.S3.localhost', 'localhost', 's3.example.com.'])

describe('what a request is about', () => {
  test.each([
    ['127.0.0.1:9000', '/', '', '', 'path'],
    ['127.0.0.1:9000', '/bucket', 'bucket', '', 'path'],
    ['127.0.0.1:9000', '/bucket/', 'bucket', '', 'path'],
    ['127.0.0.1:9000', '/bucket/key', 'bucket', 'key', 'path'],
    ['127.0.0.1:9000', '/bucket//key//', 'bucket', '/key//', 'path'],
    ['127.0.0.1:9000', '/bucket/../other/key', 'bucket', '../other/key', 'path'],
    ['127.0.0.1:9000', '/bucket/a%2Fb%3F', 'bucket', 'a/b?', 'path'],
    ['127.0.0.1:9000', '/b%75cket/x', 'bucket', 'x', 'path'],
    ['[::1]:9000', '/bucket/key', 'bucket', 'key', 'path'],
    ['', '/bucket/key', 'bucket', 'key', 'path'],
    ['s3.localhost:9000', '/bucket/key', 'bucket', 'key', 'path'],
    ['localhost', '/bucket/key', 'bucket', 'key', 'path'],
    ['bucket.s3.localhost:9000', '/', 'bucket', '', 'virtual-host'],
    ['bucket.s3.localhost', '/a/b', 'bucket', 'a/b', 'virtual-host'],
    ['bucket.s3.localhost', '//a', 'bucket', '/a', 'virtual-host'],
    ['Bucket.S3.LocalHost', '/a', 'bucket', 'a', 'virtual-host'],
    ['bucket.s3.localhost.:80', '/a', 'bucket', 'a', 'virtual-host'],
    ['my.dotted.bucket.s3.localhost', '/a', 'my.dotted.bucket', 'a', 'virtual-host'],
    ['bucket.localhost', '/a', 'bucket', 'a', 'virtual-host'],
    ['bucket.s3.example.com', '/a', 'bucket', 'a', 'virtual-host'],
    ['bucket.s3.example.com.evil.org', '/b/a', 'b', 'a', 'path'],
    ['buckets3.example.com', '/b/a', 'b', 'a', 'path'],
    ['xs3.localhost', '/a', 'xs3', 'a', 'virtual-host'],
  ])('%s %s', (host, path, bucket, key, style) => {
    expect(parseAddress(host, path, DOMAINS)).toEqual({ bucket, key, style })
  })

  test.each([
    ['127.0.0.1', '//key', 'InvalidBucketName'],
    ['127.0.0.1', '/a;b/key', 'InvalidBucketName'],
    ['127.0.0.1', '/../key', 'InvalidBucketName'],
    ['127.0.0.1', '/./key', 'InvalidBucketName'],
    ['127.0.0.1', '/%2e%2e/key', 'InvalidBucketName'],
    ['127.0.0.1', '/a%2Fb/key', 'InvalidBucketName'],
    ['127.0.0.1', '/a%20b/key', 'InvalidBucketName'],
    ['127.0.0.1', '/a%0d%0ab/key', 'InvalidBucketName'],
    ['127.0.0.1', '/a@b/key', 'InvalidBucketName'],
    ['127.0.0.1', `/${'a'.repeat(256)}/key`, 'InvalidBucketName'],
    ['..s3.localhost', '/key', 'InvalidBucketName'],
    ['.s3.localhost', '/key', 'InvalidBucketName'],
    ['a/b.s3.localhost', '/key', 'InvalidBucketName'],
    ['127.0.0.1', '/bucket/%zz', 'InvalidURI'],
    ['127.0.0.1', 'bucket', 'InvalidURI'],
    ['127.0.0.1', '', 'InvalidURI'],
    ['127.0.0.1', '*', 'InvalidURI'],
  ])('%s %s is refused', (host, path, code) => {
    expect(() => parseAddress(host, path, DOMAINS)).toThrow(expect.objectContaining({ code }))
  })

  test('without base domains every host is of path style', () => {
    expect(parseAddress('bucket.s3.localhost', '/b/k', [])).toEqual({ bucket: 'b', key: 'k', style: 'path' })
  })
})

test.each([
  ['abc', true],
  ['my-bucket.1', true],
  ['a'.repeat(63), true],
  ['1.2.3.4a', true],
  ['ab', false],
  ['a'.repeat(64), false],
  ['Abc', false],
  ['a_b', false],
  ['-abc', false],
  ['abc-', false],
  ['.abc', false],
  ['abc.', false],
  ['a..b', false],
  ['1.2.3.4', false],
  ['xn--abc', false],
  ['sthree-abc', false],
  ['amzn-s3-demo-bucket', false],
  ['abc-s3alias', false],
  ['abc--ol-s3', false],
  ['abc.mrap', false],
  ['abc--x-s3', false],
  ['abc--table-s3', false],
])('isBucketName(%j) is %j', (name, expected) => {
  expect(isBucketName(name)).toBe(expected)
})

test.each([
  ['path', false, '', '', 'store:9', '/'],
  ['path', false, 'bucket', '', 'store:9', '/bucket'],
  ['path', false, 'bucket', '/a b+', 'store:9', '/bucket//a%20b%2B'],
  ['virtual-host', true, 'bucket', '', 'bucket.store:9', '/'],
  ['virtual-host', true, 'bucket', 'a/b', 'bucket.store:9', '/a/b'],
  ['virtual-host', false, 'buc.ket', 'a', 'buc.ket.store:9', '/a'],
  ['virtual-host', true, 'buc.ket', 'a', 'store:9', '/buc.ket/a'],
  ['virtual-host', true, 'Old_Name', 'a', 'store:9', '/Old_Name/a'],
  ['virtual-host', true, '', '', 'store:9', '/'],
] as const)('upstream: %s, TLS %s, %j %j', (style, tls, bucket, key, host, path) => {
  expect(upstreamAddress({ style, host: 'store:9', tls }, bucket, key)).toEqual({ host, path })
})
