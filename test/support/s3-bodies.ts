/** Requests with a body in every form that S3 knows, whole or spoilt. */
import { createHash } from 'node:crypto'
import {
  CHECKSUMS,
  type ChecksumAlgorithm,
  type ChunkSeed,
  createChecksum,
  parseQuery,
  presign,
  SignedChunkEncoder,
  SigningSecret,
  scopeOf,
  UnsignedChunkEncoder,
} from '../../codecs/s3/index.ts'
import { KEY, SECRET, signedHead } from './s3-rig.ts'

export const MODES = [
  'hash',
  'unsigned',
  'presigned',
  'signed-chunks',
  'signed-chunks-trailer CRC32',
  'unsigned-chunks-trailer CRC32',
  'unsigned-chunks-trailer CRC32C',
  'unsigned-chunks-trailer CRC64NVME',
  'unsigned-chunks-trailer SHA1',
  'unsigned-chunks-trailer SHA256',
] as const
export type Mode = (typeof MODES)[number]

export interface Spoilt {
  /** Of the payload before it is framed, once it is signed or summed. */
  readonly payload?: (payload: Buffer) => Buffer
  /** Of the framed body. */
  readonly body?: (body: Buffer) => Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly contentSha256?: string
  /** What the trailer says. */
  readonly trailer?: string
  /** Of a body with Content-Length: so many bytes of it are announced and do not come. */
  readonly missing?: number
}

const scope = scopeOf('20260101', 'us-east-1')
const NOBODY: ChunkSeed = {
  key: new SigningSecret('').key(scope),
  amzDate: '20260101T000000Z',
  scope: scope.text,
  signature: 'a'.repeat(64),
}

/** One PUT of the payload, on a connection that ends with it. */
export function put(
  target: string,
  mode: Mode,
  payload: Buffer,
  framing: 'length' | 'chunked',
  spoilt: Spoilt = {},
): Buffer[] {
  const [kind, algorithm] = mode.split(' ') as [string, ChecksumAlgorithm | undefined]
  const headers: Record<string, string> = { ...headersOf(kind, algorithm, payload), ...spoilt.headers }
  const contentSha256 = spoilt.contentSha256 ?? sha256Of(kind, payload)
  const sum = algorithm && createChecksum(algorithm)
  sum?.update(payload)
  const trailer = algorithm && [CHECKSUMS[algorithm].header, spoilt.trailer ?? sum!.base64()]
  const encode = (seed: ChunkSeed | undefined) => framed(kind, payload, seed, trailer ?? [], spoilt)
  // Frames are as long whatever they are signed with.
  const plain = encode(NOBODY)
  const missing = spoilt.missing ?? 0
  if (framing === 'length') headers['content-length'] = String(plain.length + missing)
  else {
    headers['transfer-encoding'] = 'chunked'
    headers['x-amz-decoded-content-length'] ??= String(payload.length)
  }
  headers['connection'] = 'close'
  const { head, seed } =
    kind === 'presigned'
      ? presignedHead(target, headers)
      : signedHead({ method: 'PUT', target, headers, contentSha256 })
  const body = encode(seed)
  return [Buffer.from(head), ...(framing === 'length' ? [body] : chunked(body))]
}

function headersOf(kind: string, algorithm: ChecksumAlgorithm | undefined, payload: Buffer): Record<string, string> {
  if (!kind.includes('chunks')) return {}
  return {
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': String(payload.length),
    ...(algorithm && { 'x-amz-trailer': CHECKSUMS[algorithm].header }),
  }
}

function sha256Of(kind: string, payload: Buffer): string {
  if (kind === 'hash') return createHash('sha256').update(payload).digest('hex')
  if (kind === 'signed-chunks') return 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  if (kind === 'signed-chunks-trailer') return 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
  return kind === 'unsigned-chunks-trailer' ? 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' : 'UNSIGNED-PAYLOAD'
}

function framed(kind: string, payload: Buffer, seed: ChunkSeed | undefined, trailer: string[], spoilt: Spoilt): Buffer {
  const pieces: Buffer[] = []
  const keep = (bytes: Buffer) => pieces.push(Buffer.from(bytes))
  if (kind.includes('chunks')) {
    const encoder = kind.startsWith('signed')
      ? new SignedChunkEncoder(payload.length, seed!, keep)
      : new UnsignedChunkEncoder(payload.length, keep)
    encoder.write(payload)
    encoder.end(trailer)
  } else pieces.push(spoilt.payload?.(Buffer.from(payload)) ?? payload)
  const body = Buffer.concat(pieces)
  return spoilt.body?.(body) ?? body
}

function presignedHead(target: string, headers: Readonly<Record<string, string>>) {
  const [path = '', search = ''] = target.split('?')
  const signer = { accessKey: KEY, secret: new SigningSecret(SECRET), sessionToken: undefined, region: 'us-east-1' }
  const signed = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-amz-'))
    .flat()
  const query = presign(
    { method: 'PUT', host: 'localhost', path, query: parseQuery(search), headers: signed, expires: 60 },
    signer,
    Date.now(),
  )
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return { head: `PUT ${path}?${query} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}\r\n`, seed: undefined }
}

/** In HTTP's own chunks, cut where nothing else ends. */
function chunked(body: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; at += 50_021) {
    const piece = body.subarray(at, at + 50_021)
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return [...pieces, Buffer.from('0\r\n\r\n')]
}
