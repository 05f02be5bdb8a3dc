/** Answers of 200 behind which an error stands, as S3 gives them to copies and completed uploads. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  HeadBucketCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openExposition } from '../../../src/observability/exposition.ts'
import { S3Rig } from '../../support/s3-rig.ts'

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
const ERROR =
  '<Error><Code>InternalError</Code><Message></Message><Resource>/their-bucket/k</Resource><RequestId>theirs</RequestId></Error>'

describe.each([
  ['generic', `${PROLOG}\n    ${ERROR}`],
  ['aws', `${PROLOG}    \n${ERROR}`],
  ['aws', `  \n${ERROR}`],
])('with the profile %s, %j', (profile, document) => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-s3-late-'))
  const accessLog = join(folder, 'access.log')
  const service = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/xml' }).end(document))
  })
  const rig = new S3Rig()
  let client: S3Client
  beforeAll(async () => {
    await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    await rig.backend('b', { endpoint, profile, addressing: 'path', healthCheck: { interval: 0 } })
    await rig.start({ accessLog })
    client = rig.client()
  })
  afterAll(async () => {
    await rig.close()
    expect(readFileSync(accessLog, 'utf8').match(/ 200 InternalError /g)).toHaveLength(3)
    rmSync(folder, { recursive: true })
    await new Promise(resolve => service.close(resolve))
  })

  const target = { Bucket: 'b', Key: 'k' }
  test.each([
    ['CopyObject', () => client.send(new CopyObjectCommand({ ...target, CopySource: 'b/s' }))],
    [
      'UploadPartCopy',
      () => client.send(new UploadPartCopyCommand({ ...target, CopySource: 'b/s', UploadId: 'u', PartNumber: 1 })),
    ],
    [
      'CompleteMultipartUpload',
      () =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...target,
            UploadId: 'u',
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"e"' }] },
          }),
        ),
    ],
  ])('%s fails for the client, and for metrics', async (operation, send) => {
    // In S3's words for it, with a message, and as of what was asked for.
    const error = await send().catch((error: unknown) => error)
    expect(error).toMatchObject({
      name: 'InternalError',
      Resource: '/b/k',
      message: expect.stringMatching(/internal error/),
    })
    expect(await openExposition(rig.metrics).render()).toMatch(
      new RegExp(`^portolan_requests_total{.*"${operation}".*outcome="error".*} 1$`, 'm'),
    )
  })

  test('and nothing else is taken for an error', async () => {
    await client.send(new HeadBucketCommand({ Bucket: 'b' }))
    const metrics = await openExposition(rig.metrics).render()
    expect(metrics).toMatch(/^portolan_requests_total\{.*"HeadBucket".*outcome="ok".*\} 1$/m)
    expect(metrics).toMatch(/^portolan_s3_errors_total\{.*status="200".*\} 3$/m)
  })
})
