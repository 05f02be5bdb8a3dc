import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  CompressedReader,
  CompressedWriter,
  type CompressionAlgorithm,
  canCompress,
} from '../../../codecs/mysql/index.ts'
import { cut, everyFeed } from '../../support/feed.ts'

function read(algorithm: CompressionAlgorithm, pieces: readonly Buffer[]) {
  const plain: Buffer[] = []
  const reader = new CompressedReader(algorithm, bytes => plain.push(Buffer.from(bytes)) > 0)
  for (const piece of pieces) reader.write(piece, 0, piece.length)
  return { plain: Buffer.concat(plain), sequence: reader.sequence, betweenFrames: reader.betweenFrames }
}

function frame(body: Buffer, plainBytes: number, length = body.length): Buffer {
  const header = Buffer.alloc(7)
  header.writeUIntLE(length, 0, 3)
  header.writeUIntLE(plainBytes, 4, 3)
  return Buffer.concat([header, body])
}

const refused = (...frames: Buffer[]): string => {
  try {
    read('zlib', frames)
    return 'nothing'
  } catch (error) {
    return error instanceof ProtocolError ? error.kind : String(error)
  }
}

describe.each(['zlib', 'zstd'] as const)('%s', algorithm => {
  test.skipIf(!canCompress(algorithm))('what is written is read, however it comes in pieces', () => {
    const writer = new CompressedWriter({ algorithm, level: 3 })
    const messages = [Buffer.from('short'), Buffer.alloc(49, 1), Buffer.alloc(500, 'abc'), Buffer.from('x')]
    const frames = Buffer.concat(messages.flatMap(message => writer.encode(message)))
    expect(frames.length).toBeLessThan(200)
    for (const { way, pieces } of everyFeed(frames)) {
      expect([way, read(algorithm, pieces)]).toEqual([
        way,
        { plain: Buffer.concat(messages), sequence: 3, betweenFrames: true },
      ])
    }
    for (let end = 1; end < 12; end++) expect(read(algorithm, [frames.subarray(0, end)]).betweenFrames).toBe(false)
  })

  test.skipIf(!canCompress(algorithm))('much, in frames whose sequence ids begin anew', () => {
    const writer = new CompressedWriter({ algorithm, level: 1 })
    const message = Buffer.alloc(257 * 65_536 + 1)
    for (let i = 0; i < message.length; i += 97) message[i] = i
    const frames = Buffer.concat(writer.encode(message))
    expect(writer.nextSequence).toBe(2)
    const { plain, sequence } = read(algorithm, cut(frames, 10_007))
    expect(plain.equals(message)).toBe(true)
    expect(sequence).toBe(1)
  })
})

test('bytes that do not shrink go as they are', () => {
  const noise = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * i * 167 + i * 31 + (i >> 3)) & 0xff))
  const parts = new CompressedWriter({ algorithm: 'zlib', level: 6 }).encode(deflateSync(noise))
  expect(parts[0]!.readUIntLE(4, 3)).toBe(0)
})

describe('lengths that lie', () => {
  const plain = Buffer.alloc(1000, 'a')
  const packed = deflateSync(plain)

  test.each([
    ['more comes out than the header says', frame(packed, 999)],
    ['one byte is said, 16 MiB come out', frame(deflateSync(Buffer.alloc(0x100_0000)), 1)],
    ['less comes out', frame(packed, 1001)],
    ['nothing is said to be something', frame(Buffer.alloc(0), 1)],
    ['it is cut', frame(packed.subarray(0, -6), 1000)],
    ['it is noise', frame(Buffer.alloc(100, 7), 1000)],
  ])('%s', (_, bytes) => {
    expect(refused(bytes)).toBe('compressed-frame')
    expect(refused(...cut(bytes, 3))).toBe('compressed-frame')
  })

  test('a header that claims 16 MiB takes no memory for them', () => {
    const reader = new CompressedReader('zlib', () => true)
    const before = process.memoryUsage().arrayBuffers
    const bytes = frame(Buffer.alloc(100), 0xff_ffff, 0xff_ffff)
    reader.write(bytes, 0, bytes.length)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('an empty frame is nothing', () => {
    expect(refused(frame(Buffer.alloc(0), 0), frame(packed, 1000))).toBe('nothing')
  })
})
