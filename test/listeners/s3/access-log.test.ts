/** The access log: each column of S3's form, read as what reads S3's logs would read it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, expect, test } from 'vitest'
import { RecordingService } from '../../support/recording-service.ts'
import { S3Rig } from '../../support/s3-rig.ts'

const COLUMNS = [
  ...['owner', 'bucket', 'time', 'remoteIp', 'requester', 'requestId', 'operation', 'key', 'requestUri', 'status'],
  ...['errorCode', 'bytesSent', 'objectSize', 'totalMs', 'turnAroundMs', 'referer', 'userAgent', 'versionId'],
  ...['hostId', 'signatureVersion', 'cipherSuite', 'authentication', 'hostHeader', 'tlsVersion', 'arn', 'acl'],
]

type Line = Readonly<Record<string, string>>

/** Fields are set apart by spaces, but for those in brackets or quotes. */
function lineOf(text: string): Line {
  const fields = text.match(/\[[^\]]*\]|"[^"]*"|[^ ]+/g)!
  expect(fields).toHaveLength(COLUMNS.length)
  return Object.fromEntries(COLUMNS.map((name, at) => [name, fields[at]!]))
}

const folder = mkdtempSync(join(tmpdir(), 'portolan-s3-access-log-'))
const file = (name: string) => join(folder, name)
const rigs: S3Rig[] = []

/** Does it to a listener, and returns the lines of the log once that is closed. */
async function logged(name: string, rig: S3Rig, options: object, run: () => Promise<void>): Promise<Line[]> {
  rigs.push(rig)
  await rig.start({ accessLog: file(name), ...options })
  await run()
  await rig.close()
  return readFileSync(file(name), 'utf8').trimEnd().split('\n').map(lineOf)
}

afterAll(async () => {
  for (const rig of rigs) await rig.close()
  rmSync(folder, { recursive: true })
})

const Bucket = 'bucket'
const only = (line: Line, ...names: string[]) => names.map(name => line[name])

test('says how large the object is, whatever of it went through', async () => {
  const rig = new S3Rig()
  const Body = () => Readable.from([Buffer.alloc(150_000, 'a'), Buffer.alloc(50_000, 'b')])
  const lines = await logged('sizes', rig, {}, async () => {
    const client = rig.client()
    const to = (Key: string) => ({ Bucket, Key })
    await client.send(new CreateBucketCommand({ Bucket }))
    await client.send(new PutObjectCommand({ ...to('small'), Body: 'abc' }))
    await client.send(new PutObjectCommand({ ...to('none'), Body: '' }))
    await client.send(new PutObjectCommand({ ...to('large'), Body: Body(), ContentLength: 200_000 }))
    await (await client.send(new GetObjectCommand(to('large')))).Body!.transformToByteArray()
    await (await client.send(new GetObjectCommand({ ...to('large'), Range: 'bytes=5-9' }))).Body!.transformToString()
    await client.send(new HeadObjectCommand(to('large')))
    await client.send(new CopyObjectCommand({ ...to('copy'), CopySource: `${Bucket}/large` }))
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(to('parts')))
    const part = { ...to('parts'), UploadId, PartNumber: 1 }
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'abcd' }))
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
    await client.send(new CompleteMultipartUploadCommand({ ...to('parts'), UploadId, MultipartUpload }))
    await client.send(new ListObjectsV2Command({ Bucket }))
    await expect(client.send(new GetObjectCommand(to('absent')))).rejects.toThrow()
    await client.send(new DeleteObjectCommand(to('small')))
  })
  expect(lines.map(line => only(line, 'operation', 'status', 'objectSize').join(' '))).toEqual([
    'REST.PUT.CreateBucket 200 -',
    'REST.PUT.PutObject 200 3',
    'REST.PUT.PutObject 200 0',
    'REST.PUT.PutObject 200 200000',
    'REST.GET.GetObject 200 200000',
    'REST.GET.GetObject 206 200000',
    'REST.HEAD.HeadObject 200 200000',
    'REST.PUT.CopyObject 200 -',
    'REST.POST.CreateMultipartUpload 200 -',
    'REST.PUT.UploadPart 200 4',
    'REST.POST.CompleteMultipartUpload 200 -',
    'REST.GET.ListObjectsV2 200 -',
    'REST.GET.GetObject 404 -',
    'REST.DELETE.DeleteObject 204 -',
  ])
  expect(lines.slice(4, 7).map(({ bytesSent }) => bytesSent)).toEqual(['200000', '5', '-'])
  expect(lines[12]).toMatchObject({ errorCode: 'NoSuchKey', key: 'absent', bucket: Bucket, requester: 'local' })
})

test('says which version was asked for, or else which one was answered, and how the service names the request', async () => {
  const service = await RecordingService.start((response, { method }) => {
    response.setHeader('x-amz-request-id', 'THEIRS')
    if (method === 'PUT') response.setHeader('x-amz-version-id', 'made/1')
    response.end(method === 'GET' ? 'bytes' : undefined)
  })
  const rig = new S3Rig()
  await rig.backend('b', { endpoint: service.url, healthCheck: { interval: 0 } })
  const lines = await logged('versions', rig, {}, async () => {
    const client = rig.client()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'abc' }))
    await client.send(new GetObjectCommand({ Bucket, Key: 'k', VersionId: 'old one' }))
    await client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
  })
  await service.close()
  expect(lines.map(line => only(line, 'versionId', 'hostId', 'objectSize'))).toEqual([
    ['made/1', 'THEIRS', '3'],
    ['old?one', 'THEIRS', '5'],
    ['-', 'THEIRS', '5'],
  ])
})

test('says who came how: by a header, by a URL, by nothing, and whatever they call themselves', async () => {
  const rig = new S3Rig()
  const lines = await logged('who', rig, {}, async () => {
    const client = rig.client()
    await client.send(new CreateBucketCommand({ Bucket }))
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'a b/"é"' }))
    await fetch(url, { headers: { referer: 'http://page/?X-Amz-Signature=abc"\t', 'user-agent': 'a "b"' } })
    await fetch(`http://127.0.0.1:${rig.port}/${Bucket}/k`)
  })
  expect(only(lines[0]!, 'authentication', 'signatureVersion', 'cipherSuite', 'tlsVersion')).toEqual([
    ...['AuthHeader', 'SigV4'],
    ...['-', '-'],
  ])
  expect(only(lines[1]!, 'authentication', 'signatureVersion', 'key', 'userAgent', 'referer')).toEqual([
    ...['QueryString', 'SigV4', 'a%20b/%22%C3%A9%22', '"a ?b?"', '"http://page/?X-Amz-Signature=REDACTED"'],
  ])
  expect(lines[1]!['requestUri']).toMatch(/X-Amz-Signature=REDACTED/)
  expect(only(lines[2]!, 'authentication', 'signatureVersion', 'requester', 'status')).toEqual(['-', '-', '-', '403'])
  expect(lines[2]!['hostHeader']).toBe(lines[1]!['hostHeader'])
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)('says how the connection is protected: %s', async version => {
  const rig = new S3Rig()
  const keepIn = file(`tls ${version}`)
  const lines = await logged(`over ${version}`, rig, { tls: { generate: true, keepIn } }, async () => {
    const ca = readFileSync(join(keepIn, 'certificate.pem'))
    const httpsAgent = new Agent({ ca, minVersion: version, maxVersion: version })
    const client: S3Client = rig.client({ endpoint: `https://127.0.0.1:${rig.port}`, requestHandler: { httpsAgent } })
    await client.send(new CreateBucketCommand({ Bucket }))
    httpsAgent.destroy()
  })
  expect(lines[0]!['tlsVersion']).toBe(version)
  expect(lines[0]!['cipherSuite']).toMatch(version === 'TLSv1.3' ? /^TLS_AES_/ : /^ECDHE-[A-Z0-9-]+$/)
})
