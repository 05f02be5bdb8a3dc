/** The operations table against every command of the AWS SDK, as it would be sent, and against what no SDK sends. */
import * as sdk from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { classify, OPERATIONS, parseAddress, parseQuery } from '../../../codecs/s3/index.ts'

interface Sent {
  readonly method: string
  readonly path: string
  readonly query: Record<string, string>
  readonly headers: Record<string, string>
}

/** Satisfies the required members of every command. */
const INPUT = {
  Bucket: 'bucket',
  Key: 'key',
  UploadId: 'upload',
  PartNumber: 1,
  Id: 'id',
  CopySource: '/bucket/other',
  RenameSource: '/bucket/other',
  RequestRoute: 'route',
  RequestToken: 'token',
  AnnotationName: 'note',
  AnnotationPayload: 'x',
  ObjectAttributes: ['ETag'],
  Body: 'x',
  Delete: { Objects: [{ Key: 'key' }] },
}

/** Sends a command (which writes to its input) to nobody, and returns what would have gone out. */
async function capture(name: string): Promise<Sent> {
  let sent: Sent | undefined
  const client = new sdk.S3Client({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
    disableS3ExpressSessionAuth: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: {
      handle: (request: Sent) => {
        sent = request
        return Promise.reject(new Error('captured'))
      },
    } as unknown as NonNullable<sdk.S3ClientConfig['requestHandler']>,
  })
  const Command = (sdk as unknown as Record<string, new (input: object) => never>)[`${name}Command`]!
  await client.send(new Command({ ...INPUT })).catch((error: Error) => expect(error.message).toBe('captured'))
  return sent!
}

function ask(method: string, target: string, ...headers: string[]) {
  const [path = '', query = ''] = target.split('?', 2)
  return classify({ method, ...parseAddress('127.0.0.1', path, []), query: parseQuery(query), headers })
}

const commands = Object.keys(sdk)
  .filter(name => /^[A-Z].*Command$/.test(name))
  .map(name => name.slice(0, -'Command'.length))

describe('every command of the SDK', () => {
  const sent = new Map<string, Sent>()
  beforeAll(async () => {
    for (const name of commands) sent.set(name, await capture(name))
  })

  test('there are all of them', () => {
    expect(commands.length).toBeGreaterThan(105)
  })

  test.each(commands)('%s', name => {
    const { method, path, query, headers } = sent.get(name)!
    const pairs = Object.entries(query).flat()
    // Without x-id, which only few clients send.
    const bare = name === 'ListDirectoryBuckets' ? pairs : pairs.filter((_, i) => pairs[i - (i % 2)] !== 'x-id')
    const lower = Object.entries(headers).flatMap(([key, value]) => [key.toLowerCase(), value])
    for (const query of [
      pairs,
      bare,
      bare.toReversed().flatMap((_, i, all) => (i % 2 ? [] : [all[i + 1]!, all[i]!])),
    ]) {
      const operation = classify({ method, ...parseAddress('127.0.0.1', path, []), query, headers: lower })
      expect(operation.name).toBe(name)
      expect(operation.requiresChecksum).toBe(headers['x-amz-checksum-crc32'] !== undefined)
    }
  })
})

describe('what no SDK sends', () => {
  test.each([
    ['GET', '/', 'ListBuckets', 'list', 'none'],
    ['GET', '/b', 'ListObjects', 'list', 'none'],
    ['GET', '/b?list-type=1&prefix=acl', 'ListObjects', 'list', 'none'],
    ['GET', '/b?prefix=&delimiter=', 'ListObjects', 'list', 'none'],
    ['GET', '/b/k?response-content-type=acl&versionId=x', 'GetObject', 'read', 'none'],
    ['GET', '/b/k?versionId', 'GetObject', 'read', 'none'],
    ['GET', '/b/k?future=1', 'GetObject', 'read', 'none'],
    ['OPTIONS', '/b/k', 'OptionsObject', 'read', 'none'],
    ['DELETE', '/b/k?versionId=x', 'DeleteObject', 'delete', 'none'],
    ['PUT', '/b/k?acl=', 'PutObjectAcl', 'admin', 'document'],
    ['PUT', '/b/k?acl=x', 'PutObjectAcl', 'admin', 'document'],
    ['PUT', '/b/k?partNumber=1&uploadId=', 'UploadPart', 'write', 'object'],
    ['GET', '/b?future', 'Unknown', 'read', 'none'],
    ['GET', '/b/k?policy', 'Unknown', 'read', 'none'],
    ['PUT', '/b/k?policy', 'Unknown', 'admin', 'object'],
    ['PUT', '/b/k?future', 'Unknown', 'admin', 'object'],
    ['POST', '/b?future', 'Unknown', 'admin', 'object'],
    ['DELETE', '/b/k?future', 'Unknown', 'admin', 'object'],
    ['POST', '/b', 'Unknown', 'admin', 'object'],
    ['POST', '/b/k', 'Unknown', 'write', 'object'],
    ['PATCH', '/b/k', 'Unknown', 'write', 'object'],
    ['PUT', '/', 'Unknown', 'admin', 'object'],
    ['get', '/b/k', 'Unknown', 'write', 'object'],
  ])('%s %s', (method, target, name, access, body) => {
    expect(ask(method, target)).toMatchObject({ name, access, body })
  })

  test('a form is posted to a bucket', () => {
    expect(ask('POST', '/b', 'content-type', 'multipart/form-data; boundary=x').name).toBe('PostObject')
    expect(ask('POST', '/b', 'content-type', 'Multipart/Form-Data').name).toBe('PostObject')
    expect(ask('POST', '/b', 'content-type', 'text/plain').name).toBe('Unknown')
    expect(ask('POST', '/b/k', 'content-type', 'multipart/form-data').name).toBe('Unknown')
  })

  test('a copy source makes only a plain PUT a copy', () => {
    const source = ['x-amz-copy-source', '/b/o']
    expect(ask('PUT', '/b/k', ...source).name).toBe('CopyObject')
    expect(ask('PUT', '/b/k?x=1', ...source).name).toBe('CopyObject')
    expect(ask('PUT', '/b/k?acl', ...source).name).toBe('PutObjectAcl')
    expect(ask('PUT', '/b', ...source).name).toBe('CreateBucket')
    expect(ask('GET', '/b/k', ...source).name).toBe('GetObject')
  })

  test.each([
    ['PUT', '/b/k?acl&tagging'],
    ['DELETE', '/b/k?uploadId=1&tagging'],
    ['GET', '/b?location&policy'],
    ['PUT', '/b/k?uploadId=1&uploads'],
  ])('%s %s names two operations', (method, target) => {
    expect(() => ask(method, target)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })

  test('the same name twice is one', () => {
    expect(ask('PUT', '/b/k?acl&acl').name).toBe('PutObjectAcl')
  })
})

test('the table has each operation once', () => {
  expect(new Set(OPERATIONS.keys()).size).toBe(OPERATIONS.size)
  expect([...OPERATIONS.keys()].filter(name => !commands.includes(name))).toEqual(['PostObject', 'OptionsObject'])
})
