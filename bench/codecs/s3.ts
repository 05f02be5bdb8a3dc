/** Micro benchmarks of the S3 codec: what a request costs besides passing it on, and what hashing its body costs. */

import {
  AUTH_HEADERS,
  AwsChunkedDecoder,
  authenticate,
  type ChecksumAlgorithm,
  canonicalQuery,
  classify,
  createChecksum,
  encodePath,
  parseAddress,
  parseQuery,
  SignedChunkEncoder,
  SigningSecret,
  signRequest,
  type Verified,
  valueIn,
} from '../../codecs/s3/index.ts'
import type { MicroBench } from '../lib/micro.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const LOCAL = {
  accessKey: 'local',
  secret: new SigningSecret('local-secret'),
  sessionToken: undefined,
  region: 'us-east-1',
}
const STORE = {
  accessKey: 'store',
  secret: new SigningSecret('store-secret'),
  sessionToken: undefined,
  region: 'eu-west-1',
}
const HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const HOST = '127.0.0.1:9000'
const PATH = '/bucket/some/key/of-usual-length.bin'

export function s3Benches(): MicroBench[] {
  return [
    one('read: address, query, operation', 0, () => read().name.length > 0),
    one('verify', 0, () => verify() !== undefined),
    one('sign', 0, () => sign().length > 0),
    one('all of a GET: read, verify, sign', 0, () => read().name !== '' && verify() !== undefined && sign().length > 0),
    chunked('decode signed chunks, 64 KiB', 65_536),
    chunked('decode signed chunks, 1 KiB', 1024),
    ...(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const).flatMap(algorithm => [
      checksum(algorithm, 65_536),
      checksum(algorithm, 1024),
    ]),
  ]
}

function one(name: string, bytes: number, step: () => boolean): MicroBench {
  return { name, frames: 1, bytes, run: () => (step() ? 1 : 0) }
}

/** As an SDK sends it. */
function incoming(contentSha256: string): string[] {
  const headers = ['host', HOST, 'user-agent', 'aws-sdk-js/3', 'accept', '*/*', 'amz-sdk-invocation-id', HASH]
  const request = { method: 'GET', host: HOST, path: PATH, query: 'x-id=GetObject', headers, contentSha256 }
  signRequest(request, LOCAL, NOW)
  return headers
}

const HEADERS = incoming(HASH)
const by = { now: NOW, secretOf: (accessKey: string) => (accessKey === LOCAL.accessKey ? LOCAL.secret : undefined) }

function read() {
  const { bucket, key } = parseAddress(HOST, PATH, [])
  return classify({ method: 'GET', bucket, key, query: parseQuery('x-id=GetObject'), headers: HEADERS })
}

function verify(): Verified | undefined {
  return authenticate({ method: 'GET', path: PATH, query: parseQuery('x-id=GetObject'), headers: HEADERS }, by)
}

function sign(): string {
  const headers: string[] = []
  for (let at = 0; at < HEADERS.length; at += 2) {
    if (HEADERS[at] !== 'host' && !AUTH_HEADERS.includes(HEADERS[at]!)) headers.push(HEADERS[at]!, HEADERS[at + 1]!)
  }
  const query = canonicalQuery(['x-id', 'GetObject'])
  const request = { method: 'GET', host: 'store.example', path: encodePath(PATH), query, headers, contentSha256: HASH }
  signRequest(request, STORE, NOW)
  return valueIn(headers, 'authorization')!
}

function chunked(name: string, bytes: number): MicroBench {
  const headers = incoming('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
  const verified = authenticate({ method: 'GET', path: PATH, query: ['x-id', 'GetObject'], headers }, by)!
  const sent: Buffer[] = []
  const encoder = new SignedChunkEncoder(bytes, verified.seed, piece => sent.push(piece))
  encoder.write(Buffer.alloc(bytes, 'x'))
  encoder.end([])
  const body = Buffer.concat(sent)
  const options = { seed: verified.seed, trailers: [], hasTrailers: false, decodedLength: bytes, maxChunkBytes: bytes }
  let ends = 0
  const sink = { onData() {}, onChunkVerified() {}, onTrailer() {}, onEnd: () => void ends++ }
  const run = () => {
    ends = 0
    const decoder = new AwsChunkedDecoder(options, sink)
    decoder.write(body)
    decoder.end()
    return ends
  }
  return { name, frames: 1, bytes, run }
}

function checksum(algorithm: ChecksumAlgorithm, bytes: number): MicroBench {
  const data = Buffer.alloc(bytes, 'some data')
  const expected = createChecksum(algorithm)
  expected.update(data)
  const value = expected.base64()
  return one(`${algorithm}, ${bytes / 1024} KiB`, bytes, () => {
    const sum = createChecksum(algorithm)
    sum.update(data)
    return sum.base64() === value
  })
}
