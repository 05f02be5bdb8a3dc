/** A client of its own for bodies that no tool sends: `s3-upload PORT PATH BYTES MODE`, one upload, framed as MODE says. */

import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import {
  createChecksum,
  EMPTY_SHA256,
  encodedLength,
  SIGNED_CHUNKS,
  SignedChunkEncoder,
  UNSIGNED_CHUNKS_TRAILER,
  UNSIGNED_PAYLOAD,
  UnsignedChunkEncoder,
} from '../../codecs/s3/index.ts'
import { sign } from './s3-signed.ts'

const PIECE = Buffer.alloc(1024 * 1024, 'x')
const TRAILER = 'x-amz-checksum-crc32'

const [port, path, total, mode] = [Number(process.argv[2]), process.argv[3]!, Number(process.argv[4]), process.argv[5]!]

/** Pieces that together have so many bytes. */
function* pieces(): Generator<Buffer> {
  for (let left = total; left > 0; left -= PIECE.length) yield left < PIECE.length ? PIECE.subarray(0, left) : PIECE
}

function digest(): string {
  const hash = createHash('sha256')
  for (const piece of pieces()) hash.update(piece)
  return hash.digest('hex')
}

const chunked = (length: number, ...more: string[]) => ({
  length,
  headers: ['content-encoding', 'aws-chunked', 'x-amz-decoded-content-length', String(total), ...more],
})
const crc = Buffer.alloc(4).toString('base64')
const MODES: Readonly<Record<string, () => { sha256: string; length: number; headers: string[] }>> = {
  hex: () => ({ sha256: total === 0 ? EMPTY_SHA256 : digest(), length: total, headers: [] }),
  unsigned: () => ({ sha256: UNSIGNED_PAYLOAD, length: total, headers: [] }),
  'signed-chunks': () => ({ sha256: SIGNED_CHUNKS, ...chunked(encodedLength(total, true, [])) }),
  trailer: () => ({
    sha256: UNSIGNED_CHUNKS_TRAILER,
    ...chunked(encodedLength(total, false, [TRAILER, crc]), 'x-amz-trailer', TRAILER),
  }),
}
const { sha256, length, headers: own } = MODES[mode]!()
const { headers, seed } = sign(port, 'PUT', path, sha256, own)
const socket = connect(port, '127.0.0.1')
let goOn = true
const send = (bytes: Buffer, owned = true) => {
  goOn = socket.write(owned ? bytes : Buffer.from(bytes))
}
const encoder =
  mode === 'signed-chunks'
    ? new SignedChunkEncoder(total, seed, send)
    : mode === 'trailer'
      ? new UnsignedChunkEncoder(total, send)
      : undefined
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

let head = `PUT ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: ${length}\r\n`
for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
socket.write(`${head}\r\n`, 'latin1')
for (const piece of pieces()) {
  if (mode === 'trailer') checksum.update(piece)
  if (encoder) encoder.write(piece)
  else send(piece)
  if (!goOn) await new Promise(resolve => socket.once('drain', resolve))
}
encoder?.end(mode === 'trailer' ? [TRAILER, checksum.base64()] : [])
