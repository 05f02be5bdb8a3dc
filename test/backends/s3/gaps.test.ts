/** What services lack: refused before it is sent, or had in another way; and answers that take them long. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  GetObjectAttributesCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterEach, describe, expect, test } from 'vitest'
import { openExposition } from '../../../src/observability/exposition.ts'
import { S3Rig, signedHead } from '../../support/s3-rig.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** Portolan before a service that answers so; `asked` are the requests that reached it. */
async function inFront(profile: string, handle: Handle) {
  const asked: string[] = []
  const service = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume().on('end', () => handle(request, response))
  })
  await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
  const rig = new S3Rig()
  cleanups.push(
    () => new Promise(resolve => service.close(resolve)),
    () => rig.close(),
  )
  const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  await rig.backend('b', { endpoint, profile, addressing: 'path', healthCheck: { interval: 0 } })
  await rig.start()
  return { rig, client: rig.client(), asked }
}

const Bucket = 'bucket'
const Key = 'k'
const stored: Handle = (_, response) => response.writeHead(200, { etag: '"900150983cd24fb0d6963f7d28e17f72"' }).end()
const SSEC = { CopySourceSSECustomerAlgorithm: 'AES256', CopySourceSSECustomerKey: Buffer.alloc(32, 'k').toString() }

describe('refused, and the service not asked', () => {
  test.each([
    ['cloudflare-r2', new PutObjectCommand({ Bucket, Key, Body: 'abc', ServerSideEncryption: 'aws:kms' })],
    ['cloudflare-r2', new PutObjectCommand({ Bucket, Key, Body: 'abc', ServerSideEncryption: 'aws:kms:dsse' })],
    ['spaces', new PutObjectCommand({ Bucket, Key, Body: 'abc', SSEKMSKeyId: 'id' })],
    ['spaces', new PutObjectCommand({ Bucket, Key, Body: 'abc', BucketKeyEnabled: true })],
    ['swift', new PutObjectCommand({ Bucket, Key, Body: 'abc', ServerSideEncryption: 'AES256' })],
    ['swift', new CopyObjectCommand({ Bucket, Key, CopySource: 'bucket/s', ...SSEC })],
    ['gcs', new UploadPartCopyCommand({ Bucket, Key, CopySource: 'bucket/s', UploadId: 'u', PartNumber: 1 })],
  ])('%s: %o', async (profile, command) => {
    const { client, asked } = await inFront(profile, stored)
    await expect(client.send(command as PutObjectCommand)).rejects.toMatchObject({ name: 'NotImplemented' })
    expect(asked).toEqual([])
  })

  test('but not encryption that it knows', async () => {
    const { client, asked } = await inFront('cloudflare-r2', stored)
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc', ServerSideEncryption: 'AES256' }))
    expect(asked).toEqual(['PUT /bucket/k'])
  })
})

describe('GetObjectAttributes by HeadObject', () => {
  const attributes = new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ETag', 'ObjectSize'] })
  const refusal =
    (status: number, code: string): Handle =>
    ({ method }, response) =>
      response.writeHead(status).end(method === 'HEAD' ? '' : `<Error><Code>${code}</Code></Error>`)

  test.each([
    [404, 'NoSuchKey'],
    [404, 'NoSuchBucket'],
    [404, 'NoSuchVersion'],
    [403, 'AccessDenied'],
    [405, 'MethodNotAllowed'],
    [400, 'InvalidRequest'],
    [503, 'SlowDown'],
  ])('tells why it failed: %i %s', async (status, code) => {
    const { client, asked } = await inFront('generic', refusal(status, code))
    await expect(client.send(attributes)).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode: status } })
    expect(asked).toEqual(['HEAD /bucket/k', 'GET /bucket/k'])
  })

  test('an object that has come meanwhile is worth another try', async () => {
    const { client } = await inFront('generic', ({ method, headers }, response) => {
      if (method === 'GET') expect(headers.range).toBe('bytes=0-0')
      response.writeHead(method === 'HEAD' ? 404 : 206).end(method === 'HEAD' ? '' : 'x')
    })
    await expect(client.send(attributes)).rejects.toMatchObject({ name: 'ServiceUnavailable' })
  })

  test('who leaves while the reason is asked for ends that, too', async () => {
    let left!: () => void
    const isLeft = new Promise<void>(resolve => (left = resolve))
    const { rig } = await inFront('generic', ({ method }, response) => {
      if (method === 'HEAD') return response.writeHead(404).end()
      response.on('close', left)
      return socket.resetAndDestroy()
    })
    const socket = rig.socket()
    socket.write(signedHead({ method: 'GET', target: '/bucket/k?attributes', contentSha256: 'UNSIGNED-PAYLOAD' }).head)
    await isLeft
  })
})

describe('a long answer', () => {
  const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
  const RESULT =
    '<CompleteMultipartUploadResult><Location>http://theirs/bucket/k</Location><Bucket>bucket</Bucket><Key>k</Key><ETag>"e-1"</ETag></CompleteMultipartUploadResult>'
  const ERROR = '<Error><Code>InternalError</Code><Message>Try again.</Message></Error>'
  const document =
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></CompleteMultipartUpload>'
  const { head } = signedHead({
    method: 'POST',
    target: '/bucket/k?uploadId=u',
    headers: { 'content-length': String(document.length) },
    contentSha256: 'UNSIGNED-PAYLOAD',
  })

  test.each([
    ['whole', [`${DECLARATION}\n`, ' ', ' '], RESULT],
    ['without a declaration', [' ', ' '], RESULT],
    ['whose declaration comes in pieces', ['<?xml versi', `${DECLARATION.slice(11)} `], RESULT],
    ['with an error at its end', [`${DECLARATION}\n`, ' '], ERROR],
  ])('%s keeps the connection alive as the service does', async (_, blanks, last) => {
    let respond!: (response: ServerResponse) => void
    const responded = new Promise<ServerResponse>(resolve => (respond = resolve))
    const { rig } = await inFront('aws', (_, response) => respond(response))
    let heard = ''
    let onHeard = () => {}
    const answer = rig.raw([Buffer.from(head), Buffer.from(document)], text => {
      heard = text
      onHeard()
      return text.endsWith('0\r\n\r\n')
    })
    const response = await responded
    response.writeHead(200, { 'content-type': 'application/xml' })
    let sent = ''
    for (const blank of blanks) {
      sent += blank
      response.write(blank)
      // Nothing more comes before this has arrived.
      const isThere = () => (sent.startsWith('<?xml versi') && sent.length < 20 ? true : bodyOf(heard) === sent)
      if (!isThere()) await new Promise<void>(resolve => (onHeard = () => isThere() && resolve()))
    }
    response.end(last)
    const text = await answer
    expect(text).toMatch(/^HTTP\/1.1 200 /)
    const body = bodyOf(text)
    expect(body.startsWith(sent)).toBe(true)
    expect(body.slice(sent.length)).toMatch(/^<(CompleteMultipartUploadResult|Error)/)
    expect(body).not.toContain('theirs')
    const outcome = last === ERROR ? 'error' : 'ok'
    await expect
      .poll(() => openExposition(rig.metrics).render())
      .toMatch(new RegExp(`^portolan_requests_total{.*"CompleteMultipartUpload".*outcome="${outcome}".*} 1$`, 'm'))
  })

  test('that is there at once has its length', async () => {
    const { rig } = await inFront('aws', (_, response) => response.writeHead(200).end(DECLARATION + RESULT))
    const text = await rig.raw([Buffer.from(head), Buffer.from(document)], heard => heard.includes('Result>'))
    expect(text.toLowerCase()).toContain('\r\ncontent-length: ')
  })

  test('that breaks off does not end as if it were whole', async () => {
    const { client } = await inFront('aws', (_, response) => {
      response.writeHead(200).write(`${DECLARATION}\n `, () => response.destroy())
    })
    const complete = new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId: 'u',
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag: 'e' }] },
    })
    await expect(client.send(complete)).rejects.toThrow()
  })

  /** Without the framing of HTTP/1.1 chunks. */
  function bodyOf(text: string): string {
    const raw = text.slice(text.indexOf('\r\n\r\n') + 4)
    return raw.replace(/[0-9a-f]+\r\n([\s\S]*?)\r\n(?=[0-9a-f]+\r\n|$)/g, '$1').replace(/0\r\n\r\n$/, '')
  }
})
