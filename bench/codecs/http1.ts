/** Micro benchmarks of the HTTP/1.1 codec: heads as S3 clients and stores send them, and bodies. */

import {
  BodyDecoder,
  encodeRequestLines,
  encodeResponseLines,
  readRequestHead,
  readResponseHead,
} from '../../codecs/http1/index.ts'
import type { MicroBench } from '../lib/micro.ts'

const CREDENTIAL = 'AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request'
const SIGNED = 'host;x-amz-content-sha256;x-amz-date'
const SIGNATURE = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'
const REQUEST_HEADERS = [
  'host',
  'localhost:9000',
  'x-amz-date',
  '20260101T000000Z',
  'x-amz-content-sha256',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'authorization',
  `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=${SIGNED}, Signature=${SIGNATURE}`,
]
const SDK_HEADERS = [
  'amz-sdk-invocation-id',
  '0a1b2c3d-1111-2222-3333-444455556666',
  'amz-sdk-request',
  'attempt=1; max=3',
  'user-agent',
  'aws-sdk-js/3.900.0 ua/2.1 os/linux lang/js md/nodejs#20.20.2 api/s3#3.900.0',
  'x-amz-checksum-mode',
  'ENABLED',
  'x-amz-user-agent',
  'aws-sdk-js/3.900.0',
  'connection',
  'keep-alive',
]
const RESPONSE_HEADERS = [
  'Server',
  'nginx',
  'Date',
  'Thu, 01 Jan 2026 00:00:00 GMT',
  'Content-Type',
  'application/octet-stream',
  'Content-Length',
  '1024',
  'Last-Modified',
  'Thu, 01 Jan 2026 00:00:00 GMT',
  'Connection',
  'keep-alive',
  'ETag',
  '"9bb58f26192e4ba00f01e2e7b136bbd8"',
  'Accept-Ranges',
  'bytes',
]
const TARGET = '/bucket/some/key-0001?x-id=GetObject'

export function http1Benches(): MicroBench[] {
  return [
    requests('request head: GET, 4 headers, signed', REQUEST_HEADERS),
    requests('request head: GET, 10 headers, of an SDK', [...REQUEST_HEADERS, ...SDK_HEADERS]),
    responses('response head: 8 headers'),
    written('request lines written: 10 headers', [...REQUEST_HEADERS, ...SDK_HEADERS]),
    chunks('chunked body: 16 chunks of 4 KB', 4096),
    chunks('chunked body: 16 chunks of 64 KB', 65_536),
  ]
}

function requests(name: string, headers: readonly string[]): MicroBench {
  const bytes = Buffer.from(`${encodeRequestLines('GET', TARGET, headers)}\r\n`, 'latin1')
  return { name, frames: 1, bytes: bytes.length, run: () => readRequestHead(bytes, 0, bytes.length)!.minor }
}

function responses(name: string): MicroBench {
  const bytes = Buffer.from(`${encodeResponseLines(200, RESPONSE_HEADERS)}\r\n`, 'latin1')
  return { name, frames: 1, bytes: bytes.length, run: () => readResponseHead(bytes, 0, bytes.length, 'GET')!.minor }
}

function written(name: string, headers: readonly string[]): MicroBench {
  const { length } = encodeRequestLines('GET', TARGET, headers)
  return { name, frames: 1, bytes: length, run: () => encodeRequestLines('GET', TARGET, headers).length / length }
}

function chunks(name: string, size: number): MicroBench {
  const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`
  const bytes = Buffer.from(`${chunk.repeat(16)}0\r\n\r\n`, 'latin1')
  let seen = 0
  const body = new BodyDecoder({ onData: () => seen++, onTrailer() {}, onEnd() {} })
  const run = () => {
    seen = 0
    body.begin('chunked', 0)
    body.write(bytes, 0, bytes.length)
    return seen
  }
  return { name, frames: 16, bytes: bytes.length, run }
}
