/** Buckets named by the host: below the configured domains, with the port or without, and path style beside them. */
import { lookup } from 'node:dns'
import { Agent } from 'node:http'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { S3Rig, signedHead } from '../../support/s3-rig.ts'

const rig = new S3Rig()
const DOTTED = 'www.with.dots'
beforeAll(async () => {
  await rig.start({ domains: ['s3.localhost', 'objects.example', 'eu.objects.example'] })
  for (const Bucket of ['plain', DOTTED]) {
    await rig.client().send(new CreateBucketCommand({ Bucket }))
    await rig.client().send(new PutObjectCommand({ Bucket, Key: 'a/b c', Body: `of ${Bucket}` }))
  }
})
afterAll(() => rig.close())

/** Whatever the name, it is this machine. */
function hosted(domain: string): S3Client {
  const here = (_name: string, options: object, found: never) => lookup('127.0.0.1', options, found)
  const requestHandler = new NodeHttpHandler({ httpAgent: new Agent({ lookup: here as never }) })
  return rig.client({ endpoint: `http://${domain}:${rig.port}`, forcePathStyle: false, requestHandler })
}

test.each(['s3.localhost', 'objects.example', 'eu.objects.example'])('an SDK below %s', async domain => {
  const client = hosted(domain)
  const hosts: string[] = []
  client.middlewareStack.add(
    next => args => {
      hosts.push((args.request as { hostname: string }).hostname)
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
  for (const Bucket of ['plain', DOTTED]) {
    await client.send(new PutObjectCommand({ Bucket, Key: 'hosted', Body: domain }))
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'hosted' }))
    expect(await got.Body!.transformToString()).toBe(domain)
    const listed = await client.send(new ListObjectsV2Command({ Bucket }))
    expect(listed.Contents!.map(({ Key }) => Key)).toEqual(['a/b c', 'hosted'])
  }
  expect(new Set(hosts)).toEqual(new Set([`plain.${domain}`, `${DOTTED}.${domain}`]))
})

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
async function get(host: string, target: string): Promise<string> {
  const headers = { connection: 'close' }
  const answer = await rig.raw(signedHead({ method: 'GET', target, host, headers, contentSha256: EMPTY }).head)
  return /<Code>(\w+)</.exec(answer)?.[1] ?? answer.split('\r\n\r\n')[1]!
}

test.each([
  ['plain.s3.localhost', '/a/b%20c', 'of plain'],
  ['plain.s3.localhost:9000', '/a/b%20c', 'of plain'],
  ['PLAIN.S3.LocalHost', '/a/b%20c', 'of plain'],
  ['plain.s3.localhost.', '/a/b%20c', 'of plain'],
  [`${DOTTED}.objects.example`, '/a/b%20c', `of ${DOTTED}`],
  [`${DOTTED}.eu.objects.example:443`, '/a/b%20c', `of ${DOTTED}`],
  // The bucket of the host, not that of the path.
  ['plain.objects.example', `/${DOTTED}/a/b%20c`, 'NoSuchKey'],
  ['none.objects.example', '/a/b%20c', 'NoSuchBucket'],
])('%s %s is %s', async (host, target, answer) => {
  expect(await get(host, target)).toBe(answer)
})

test.each([
  's3.localhost',
  's3.localhost:9000',
  'objects.example',
  'eu.objects.example',
  '127.0.0.1:9000',
  '[::1]:9000',
  'localhost',
  // Names that only look as if they were below a domain of ours.
  'plain.s3.localhost.evil.example',
  'plain.nots3.localhost',
  'plain-objects.example',
])('%s is of path style', async host => {
  expect(await get(host, '/plain/a/b%20c')).toBe('of plain')
})

test.each(['..s3.localhost', '.s3.localhost', 'a%2fb.s3.localhost', 'a b.s3.localhost'])(
  'a host that is none is no way to a bucket: %s',
  async host => {
    expect(await get(host, '/a/b%20c')).toMatch(/^(InvalidBucketName|BadRequest|NoSuchBucket)$/)
  },
)

test('the answer to the making of a bucket leads nowhere else', async () => {
  const headers = { connection: 'close', 'content-length': '0' }
  const host = 'made.s3.localhost'
  const { head } = signedHead({ method: 'PUT', target: '/', host, headers, contentSha256: EMPTY })
  expect(await rig.raw(head)).toMatch(/^location: \/made\r$/im)
  expect(await get(host, '/none')).toBe('NoSuchKey')
})
