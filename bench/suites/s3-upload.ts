/** A client of its own for bodies that no tool sends: `s3-upload PORT PATH BYTES MODE`, one upload, framed as MODE says. */

import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import {
  type AwsChunkedEncoder,
  type ByteSink,
  type ChunkSeed,
  createChecksum,
  encodedLength,
  SIGNED_CHUNKS,
  SIGNED_CHUNKS_TRAILER,
  SignedChunkEncoder,
  UNSIGNED_CHUNKS_TRAILER,
  UNSIGNED_PAYLOAD,
  UnsignedChunkEncoder,
} from '../../codecs/s3/index.ts'
import { presigned, sign } from './s3-signed.ts'

const PIECE = Buffer.alloc(1024 * 1024, 'x')
const TRAILER = 'x-amz-checksum-crc32'
/** As long as every one. */
const ANY_CRC32 = Buffer.alloc(4).toString('base64')

const [port, path, total, mode] = [Number(process.argv[2]), process.argv[3]!, Number(process.argv[4]), process.argv[5]!]

/** How a mode frames and vouches for a body. */
interface Framing {
  /** What the signature says of it; undefined in the query of a presigned URL, which says nothing. */
  readonly sha256?: string
  /** Of what is sent. */
  readonly length: number
  readonly headers?: readonly string[]
  readonly hasTrailer?: boolean
  encoder?(seed: ChunkSeed, sink: ByteSink): AwsChunkedEncoder
}

const signedChunks = (seed: ChunkSeed, sink: ByteSink) => new SignedChunkEncoder(total, seed, sink)
const unsignedChunks = (_seed: ChunkSeed, sink: ByteSink) => new UnsignedChunkEncoder(total, sink)

const MODES: Readonly<Record<string, () => Framing>> = {
  hex: () => ({ sha256: digest(), length: total }),
  unsigned: () => ({ sha256: UNSIGNED_PAYLOAD, length: total }),
  'signed-chunks': () => ({ sha256: SIGNED_CHUNKS, ...chunked(true, false), encoder: signedChunks }),
  'signed-chunks-trailer': () => ({ sha256: SIGNED_CHUNKS_TRAILER, ...chunked(true, true), encoder: signedChunks }),
  'unsigned-trailer': () => ({ sha256: UNSIGNED_CHUNKS_TRAILER, ...chunked(false, true), encoder: unsignedChunks }),
  presigned: () => ({ length: total }),
}

function chunked(isSigned: boolean, hasTrailer: boolean): Framing {
  const headers = ['content-encoding', 'aws-chunked', 'x-amz-decoded-content-length', String(total)]
  if (hasTrailer) headers.push('x-amz-trailer', TRAILER)
  return { length: encodedLength(total, isSigned, hasTrailer ? [TRAILER, ANY_CRC32] : []), headers, hasTrailer }
}

/** Pieces that together have so many bytes. */
function* pieces(): Generator<Buffer> {
  for (let left = total; left > 0; left -= PIECE.length) yield left < PIECE.length ? PIECE.subarray(0, left) : PIECE
}

function digest(): string {
  const hash = createHash('sha256')
  for (const piece of pieces()) hash.update(piece)
  return hash.digest('hex')
}

const framing = MODES[mode]!()
const signed = framing.sha256 === undefined ? undefined : sign(port, 'PUT', path, framing.sha256, framing.headers)
const socket = connect(port, '127.0.0.1')
let goOn = true
const send = (bytes: Buffer, owned = true) => {
  goOn = socket.write(owned ? bytes : Buffer.from(bytes))
}
const encoder = signed && framing.encoder?.(signed.seed, send)
const checksum = createChecksum('CRC32')

let answer = ''
socket.on('data', chunk => {
  answer += chunk.toString('latin1')
  if (answer.includes('\r\n\r\n')) process.exit(/^HTTP\/1\.1 200 /.test(answer) ? 0 : fail())
})
socket.on('error', () => {})
socket.on('close', () => process.exit(fail()))

function fail(): number {
  process.stderr.write(`the upload was answered with ${JSON.stringify(answer.slice(0, 600))}\n`)
  return 1
}

const target = signed ? path : presigned(port, 'PUT', path)
let head = `PUT ${target} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: ${framing.length}\r\n`
const headers = signed?.headers ?? []
for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
socket.write(`${head}\r\n`, 'latin1')
for (const piece of pieces()) {
  if (framing.hasTrailer) checksum.update(piece)
  if (encoder) encoder.write(piece)
  else send(piece)
  if (!goOn) await new Promise(resolve => socket.once('drain', resolve))
}
encoder?.end(framing.hasTrailer ? [TRAILER, checksum.base64()] : [])
