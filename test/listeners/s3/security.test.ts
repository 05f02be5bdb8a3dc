/** What others have let through, each named after the precedent. */

import { createHash } from 'node:crypto'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { presign, SigningSecret } from '../../../codecs/s3/index.ts'
import { put } from '../../support/s3-bodies.ts'
import { KEY, S3Rig, SECRET, signedHead } from '../../support/s3-rig.ts'

const secretAccessKey = { env: 'PORTOLAN_TEST_S3_SECRET' }
const rig = new S3Rig()
let root: S3Client
const as = (accessKeyId: string) => rig.client({ credentials: { accessKeyId, secretAccessKey: SECRET } })
const tenant = () => as('tenant')

beforeAll(async () => {
  await rig.start({
    keys: [
      { accessKeyId: KEY, secretAccessKey },
      { accessKeyId: 'tenant', secretAccessKey, buckets: ['mine*'], prefixes: ['team/', 'shared/'] },
      { accessKeyId: 'owner', secretAccessKey, buckets: ['mine'] },
      { accessKeyId: 'reader', secretAccessKey, operations: ['read', 'list'] },
      { accessKeyId: 'writer', secretAccessKey, operations: ['write'], maxObjectSize: '1KiB' },
    ],
    anonymous: ['public'],
  })
  root = rig.client()
  for (const Bucket of ['mine', 'others', 'public']) {
    await root.send(new CreateBucketCommand({ Bucket }))
    for (const Key of ['team/a', 'secret'])
      await root.send(new PutObjectCommand({ Bucket, Key, Body: `${Bucket} ${Key}` }))
  }
})
afterAll(() => rig.close())

const EMPTY = createHash('sha256').digest('hex')
const codeOf = (answer: string) => /<Code>(\w+)</.exec(answer)?.[1] ?? /HTTP\/1\.1 (\d+)/.exec(answer)?.[1]
const denied = (sent: Promise<unknown>) => expect(sent).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } })
const stored = (Bucket: string, Key: string) =>
  root.send(new HeadObjectCommand({ Bucket, Key })).then(
    () => true,
    () => false,
  )

interface Own {
  readonly method?: string
  readonly target: string
  readonly headers?: Record<string, string>
  readonly accessKey?: string
  readonly time?: number
  readonly contentSha256?: string
  readonly body?: string
  /** Lines that were not signed. */
  readonly unsigned?: string
  readonly host?: string
}
function send({ method = 'GET', target, headers = {}, body = '', unsigned = '', ...own }: Own): Promise<string> {
  const { head } = signedHead({
    method,
    target,
    headers: { connection: 'close', 'content-length': String(body.length), ...headers },
    contentSha256: createHash('sha256').update(body).digest('hex'),
    ...own,
  })
  return rig.raw(head.replace(/\r\n\r\n$/, `\r\n${unsigned}\r\n`) + body)
}
function presigned(
  method: string,
  path: string,
  query: readonly string[] = [],
  accessKey = 'tenant',
  seconds = 60,
  now = Date.now(),
) {
  const signer = { accessKey, secret: new SigningSecret(SECRET), sessionToken: undefined, region: 'us-east-1' }
  return `${path}?${presign({ method, host: 'localhost', path, query, headers: [], expires: seconds }, signer, now)}`
}
const bare = (method: string, target: string, lines = '', body = '') =>
  rig.raw(
    `${method} ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n${lines}\r\n${body}`,
  )

describe('who asks', () => {
  test('SeaweedFS verifySignedHeadersCoverage: x-amz-* that was not signed is refused', async () => {
    const answer = await send({ method: 'PUT', target: '/mine/unsigned', unsigned: 'x-amz-acl: public-read\r\n' })
    expect(codeOf(answer)).toBe('AccessDenied')
    const url = presigned('PUT', '/mine/unsigned', [], KEY)
    expect(codeOf(await bare('PUT', url, 'x-amz-meta-a: b\r\n'))).toBe('AccessDenied')
    expect(await stored('mine', 'unsigned')).toBe(false)
  })

  test('header and query authentication together are refused', async () => {
    expect(codeOf(await send({ target: presigned('GET', '/mine/secret', [], KEY) }))).toBe('InvalidArgument')
  })

  test('CVE-2026-41145: credentials in the query do not excuse an unsigned trailer', async () => {
    const [head, body] = put('/mine/cve', 'unsigned-chunks-trailer CRC32', Buffer.from('evil'), 'length')
    const forged = presigned('PUT', '/mine/cve', [], KEY).replace(/Signature=.{8}/, 'Signature=00000000')
    const text = head!
      .toString('latin1')
      .replace('/mine/cve', forged)
      .replace(/authorization: .*\r\n/i, '')
    expect(codeOf(await rig.raw([Buffer.from(text, 'latin1'), body!]))).toMatch(/SignatureDoesNotMatch|AccessDenied/)
    const wrong = head!.toString('latin1').replace(/Signature=.{8}/, 'Signature=00000000')
    expect(codeOf(await rig.raw([Buffer.from(wrong, 'latin1'), body!]))).toBe('SignatureDoesNotMatch')
    expect(await stored('mine', 'cve')).toBe(false)
  })

  test('CVE-2025-31489, CVE-2026-40344: no form of a body is let in without a signature', async () => {
    for (const kind of [
      'UNSIGNED-PAYLOAD',
      'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      EMPTY,
    ])
      expect(
        codeOf(
          await bare('PUT', '/mine/nobody', `x-amz-content-sha256: ${kind}\r\nx-amz-decoded-content-length: 0\r\n`),
        ),
      ).toBe('AccessDenied')
    expect(await stored('mine', 'nobody')).toBe(false)
  })

  test.each([
    ['authorization: AWS local:frJIUN8DYpKDtOLCwo//yllqDzg=\r\n', '/mine', /version 2 is not supported/],
    ['', '/mine?AWSAccessKeyId=local&Signature=vjbyPxybdZaNmGa&Expires=1141889120', /version 2 is not supported/],
    [
      'authorization: AWS4-ECDSA-P256-SHA256 Credential=local/20260101/s3/aws4_request\r\n',
      '/mine',
      /version 4A is not supported/,
    ],
  ])('other signatures are refused in words (%#)', async (line, target, words) => {
    const answer = await bare('GET', target, line)
    expect(codeOf(answer)).toBe('InvalidRequest')
    expect(answer).toMatch(words)
  })

  test('clocks that differ and URLs that are over', async () => {
    expect(codeOf(await send({ target: '/mine/secret', time: Date.now() - 16 * 60_000 }))).toBe('RequestTimeTooSkewed')
    expect(codeOf(await send({ target: '/mine/secret', time: Date.now() + 16 * 60_000 }))).toBe('RequestTimeTooSkewed')
    const over = presigned('GET', '/mine/secret', [], KEY, 60, Date.now() - 61_000)
    expect(codeOf(await bare('GET', over))).toBe('AccessDenied')
    expect(codeOf(await bare('GET', presigned('GET', '/mine/secret', [], KEY)))).toBe('200')
  })

  test('anonymous requests read objects of public buckets, and do nothing else', async () => {
    expect(codeOf(await bare('GET', '/public/secret'))).toBe('200')
    for (const [method, target] of [
      ['GET', '/mine/secret'],
      ['GET', '/public'],
      ['GET', '/public?acl'],
      ['PUT', '/public/new'],
      ['DELETE', '/public/secret'],
      ['GET', '/'],
    ] as const)
      expect([method, target, codeOf(await bare(method, target))]).toEqual([method, target, 'AccessDenied'])
    expect(codeOf(await bare('PUT', '/public/new', 'x-amz-copy-source: /mine/secret\r\n'))).toBe('AccessDenied')
  })
})

describe('what a key may do', () => {
  test('a tenant has its prefixes of its buckets', async () => {
    const client = tenant()
    await client.send(new PutObjectCommand({ Bucket: 'mine', Key: 'team/b', Body: 'b' }))
    await client.send(new GetObjectCommand({ Bucket: 'mine', Key: 'team/a' }))
    await client.send(new HeadBucketCommand({ Bucket: 'mine' }))
    await client.send(new GetBucketLocationCommand({ Bucket: 'mine' }))
    const listed = await client.send(new ListObjectsV2Command({ Bucket: 'mine', Prefix: 'team/' }))
    expect(listed.Contents!.map(({ Key }) => Key)).toEqual(['team/a', 'team/b'])
    await client.send(new ListMultipartUploadsCommand({ Bucket: 'mine', Prefix: 'team/' }))
    const deleted = await client.send(
      new DeleteObjectsCommand({ Bucket: 'mine', Delete: { Objects: [{ Key: 'team/b' }] } }),
    )
    expect(deleted.Deleted).toHaveLength(1)
  })

  test('and nothing beside them', async () => {
    const client = tenant()
    const Bucket = 'mine'
    await denied(client.send(new GetObjectCommand({ Bucket, Key: 'secret' })))
    await denied(client.send(new GetObjectCommand({ Bucket: 'others', Key: 'team/a' })))
    await denied(client.send(new PutObjectCommand({ Bucket, Key: 'secret', Body: '' })))
    await denied(client.send(new ListObjectsV2Command({ Bucket })))
    await denied(client.send(new ListObjectsV2Command({ Bucket, Prefix: 'te' })))
    await denied(client.send(new ListObjectVersionsCommand({ Bucket })))
    await denied(client.send(new ListMultipartUploadsCommand({ Bucket })))
    await denied(client.send(new CopyObjectCommand({ Bucket, Key: 'team/c', CopySource: 'mine/secret' })))
    await denied(client.send(new CopyObjectCommand({ Bucket, Key: 'team/c', CopySource: 'others/team/a' })))
    await denied(client.send(new GetBucketPolicyCommand({ Bucket })))
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'team/m' }))
    await denied(
      client.send(
        new UploadPartCopyCommand({ Bucket, Key: 'team/m', UploadId, PartNumber: 1, CopySource: 'mine/secret' }),
      ),
    )
    await denied(client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'secret' })))
    await denied(
      client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'team/a' }, { Key: 'secret' }] } })),
    )
    expect(await stored(Bucket, 'secret')).toBe(true)
  })

  test('a second prefix, source or key, of which the store might take the other, is seen', async () => {
    expect(codeOf(await send({ target: '/mine?prefix=team/&prefix=', accessKey: 'tenant' }))).toBe('AccessDenied')
    const { head } = signedHead({
      method: 'PUT',
      target: '/mine/team/c',
      contentSha256: EMPTY,
      accessKey: 'tenant',
      headers: {
        'content-length': '0',
        connection: 'close',
        'x-amz-copy-source': '/mine/team/a,/mine/secret',
      },
    })
    const twice = head.replace(
      'x-amz-copy-source: /mine/team/a,/mine/secret',
      'x-amz-copy-source: /mine/team/a\r\nx-amz-copy-source: /mine/secret',
    )
    expect(codeOf(await rig.raw(twice))).toBe('InvalidArgument')
    const documents = [
      '<Delete><Object><Key>team/a</Key><Key>secret</Key></Object></Delete>',
      '<Delete><Object><Key>team/a</Key><Key>secret</Key></Object><x><Object><Key>secret</Key></Object></x></Delete>',
      '<d:Delete xmlns:d="http://s3.amazonaws.com/doc/2006-03-01/"><d:Object><d:Key>secret</d:Key></d:Object></d:Delete>',
    ]
    for (const body of documents) {
      const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
      const answer = await send({ method: 'POST', target: '/mine?delete', accessKey: 'tenant', body, headers })
      expect(codeOf(answer)).toMatch(/AccessDenied|MalformedXML/)
    }
    expect(await stored('mine', 'secret')).toBe(true)
    expect(await stored('mine', 'team/a')).toBe(true)
  })

  test('a copy source in the query of a presigned URL is judged as the header that it becomes', async () => {
    const url = (source: string) => presigned('PUT', '/mine/team/copied', ['x-amz-copy-source', source])
    expect(codeOf(await bare('PUT', url('/others/secret')))).toBe('AccessDenied')
    expect(codeOf(await bare('PUT', url('/mine/secret')))).toBe('AccessDenied')
    expect(await stored('mine', 'team/copied')).toBe(false)
    expect(codeOf(await bare('PUT', url('/mine/team/a')))).toBe('200')
    const copied = await root.send(new GetObjectCommand({ Bucket: 'mine', Key: 'team/copied' }))
    expect(await copied.Body!.transformToString()).toBe('mine team/a')
  })

  test('ListBuckets names the buckets that the key may use', async () => {
    const names = async (client: S3Client) =>
      (await client.send(new ListBucketsCommand({}))).Buckets!.map(({ Name }) => Name)
    expect(await names(root)).toEqual(['mine', 'others', 'public'])
    expect(await names(tenant())).toEqual(['mine'])
    const plain = await send({ target: '/', accessKey: 'tenant' })
    expect(plain).not.toContain('others')
  })

  test('who only reads, or only writes, does that', async () => {
    const Bucket = 'mine'
    await as('reader').send(new GetObjectCommand({ Bucket, Key: 'secret' }))
    await denied(as('reader').send(new PutObjectCommand({ Bucket, Key: 'x', Body: '' })))
    await denied(as('reader').send(new PutObjectAclCommand({ Bucket, Key: 'secret', ACL: 'public-read' })))
    await denied(as('writer').send(new GetObjectCommand({ Bucket, Key: 'secret' })))
    await denied(as('writer').send(new PutObjectAclCommand({ Bucket, Key: 'secret', ACL: 'public-read' })))
    await denied(as('writer').send(new PutBucketPolicyCommand({ Bucket, Policy: '{}' })))
    await denied(as('writer').send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: 'mine/secret' })))
    expect(codeOf(await send({ method: 'PUT', target: '/mine?unheardof', accessKey: 'writer' }))).toBe('AccessDenied')
    const large = as('writer').send(new PutObjectCommand({ Bucket, Key: 'x', Body: Buffer.alloc(1025) }))
    await expect(large).rejects.toMatchObject({ name: 'EntityTooLarge' })
    expect(await stored(Bucket, 'x')).toBe(false)
  })
})

describe('what a request may say', () => {
  test('CVE-2026-54917: dots in a path are a key, and name no other bucket', async () => {
    expect(codeOf(await send({ target: '/mine/../others/secret', accessKey: 'tenant' }))).toBe('AccessDenied')
    expect(codeOf(await send({ target: '/mine/team/../secret', accessKey: 'tenant' }))).toBe('AccessDenied')
    expect(codeOf(await send({ target: '/mine/../others/secret', accessKey: 'owner' }))).toBe('AccessDenied')
    expect(codeOf(await send({ target: '/mine/team/../secret', accessKey: 'owner' }))).toBe('NoSuchKey')
    expect(codeOf(await send({ target: '/mine/../others/secret' }))).toBe('NoSuchKey')
    for (const bucket of ['..', '.', '%2e%2e', '..%2f..', 'a%00b'])
      expect(codeOf(await send({ target: `/${bucket}/etc/passwd` }))).toMatch(/InvalidBucketName|InvalidURI/)
  })

  test('CVE-2026-55874: nor do they in a copy source', async () => {
    for (const source of [
      'mine/team/../../others/secret',
      '../others/secret',
      '..%2Fothers/secret',
      '/../../etc/passwd',
    ]) {
      const answer = await send({
        method: 'PUT',
        target: '/mine/team/c',
        accessKey: 'tenant',
        headers: { 'x-amz-copy-source': source },
      })
      expect([source, codeOf(answer)]).toEqual([
        source,
        expect.stringMatching(/AccessDenied|NoSuchKey|NoSuchBucket|InvalidArgument/),
      ])
    }
    expect(await stored('mine', 'team/c')).toBe(false)
    const headers = { 'x-amz-copy-source': 'mine/../others/secret' }
    const copy = { method: 'PUT', target: '/mine/copied', accessKey: 'owner', headers }
    expect(codeOf(await send(copy))).toBe('AccessDenied')
  })

  test('aws-sigv4-proxy: Host chooses a bucket at most, and only below a domain of ours', async () => {
    const host = (host: string, target: string) => send({ target, host, accessKey: 'tenant' })
    expect(codeOf(await host('mine.s3.localhost', '/team/a'))).toBe('200')
    expect(codeOf(await host('mine.s3.localhost', '/secret'))).toBe('AccessDenied')
    expect(codeOf(await host('others.s3.localhost', '/team/a'))).toBe('AccessDenied')
    expect(codeOf(await host('mine.s3.localhost.evil', '/others/team/a'))).toBe('AccessDenied')
    expect(codeOf(await host('169.254.169.254', '/mine/team/a'))).toBe('200')
    expect(codeOf(await host('a..s3.localhost', '/team/a'))).toMatch(/AccessDenied|InvalidBucketName/)
  })

  test('fast-xml-parser CVE-2026-26278: entities and document types are refused', async () => {
    const bomb = `<!DOCTYPE d [<!ENTITY a "${'a'.repeat(100)}"><!ENTITY b "&a;&a;&a;&a;">]><Delete><Object><Key>&b;</Key></Object></Delete>`
    const headers = { 'content-md5': createHash('md5').update(bomb).digest('base64') }
    for (const accessKey of [KEY, 'tenant'])
      expect(codeOf(await send({ method: 'POST', target: '/mine?delete', body: bomb, headers, accessKey }))).toBe(
        'MalformedXML',
      )
  })

  test('a document is compared with the digests that came with it', async () => {
    const body = '<Delete><Object><Key>team/a</Key></Object></Delete>'
    for (const headers of [{ 'x-amz-checksum-crc32': 'AAAAAQ==' }, { 'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==' }])
      expect(codeOf(await send({ method: 'POST', target: '/mine?delete', body, headers }))).toBe('BadDigest')
    expect(await stored('mine', 'team/a')).toBe(true)
  })

  test.each([
    'content-length: 0\r\ntransfer-encoding: chunked\r\n',
    'content-length: 0\r\ncontent-length: 1\r\n',
    'transfer-encoding: gzip, chunked\r\n',
    'transfer-encoding: xchunked\r\n',
    'content-length: +1\r\n',
    ' folded: a\r\n',
    'a b: c\r\n',
  ])('smuggling: %j is answered once, and the connection closed', async lines => {
    const answer = await rig.raw(
      `PUT /mine/x HTTP/1.1\r\nhost: localhost\r\n${lines}\r\nGET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    )
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
    expect(answer).toMatch(/connection: close/i)
  })

  test('nothing in a query ends a header of the answer or of what is stored', async () => {
    const overrides = presigned('GET', '/mine/secret', ['response-content-type', 'a\r\nx-evil: 1'], KEY)
    const answer = await bare('GET', overrides)
    expect(codeOf(answer)).toBe('InvalidArgument')
    expect(answer.split('\r\n\r\n')[0]).not.toMatch(/^x-evil/m)
    const metadata = presigned('PUT', '/mine/injected', ['x-amz-meta-a', 'b\r\nx-evil: 1'], KEY)
    expect(codeOf(await bare('PUT', metadata))).toBe('InvalidArgument')
    const name = presigned('PUT', '/mine/injected', ['x-amz-meta-a: b\r\nx-evil', '1'], KEY)
    expect(codeOf(await bare('PUT', name))).toBe('InvalidArgument')
    expect(await stored('mine', 'injected')).toBe(false)
    const fine = presigned('GET', '/mine/secret', ['response-content-disposition', 'attachment; filename="é"'], KEY)
    expect(Buffer.from(await bare('GET', fine), 'latin1').toString()).toContain('filename="é"')
  })

  test('a header and a query parameter that become the same are not both believed', async () => {
    const target = '/mine/both?x-amz-meta-a=1'
    expect(codeOf(await send({ method: 'PUT', target, headers: { 'x-amz-meta-a': '2' } }))).toBe('InvalidArgument')
  })
})
