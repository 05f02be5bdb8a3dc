import { expect, test } from 'vitest'
import { encodePacket, PacketTurns } from '../../../codecs/mysql/index.ts'

/** Where turns begin, as offset and sequence id; `spoke` holds the offsets behind which the peer has said something. */
function turnsOf(bytes: Buffer, cuts: readonly number[] = [], spoke: readonly number[] = []): [number, number][] {
  const turns = new PacketTurns()
  const found: [number, number][] = []
  let start = 0
  for (const stop of [...cuts, bytes.length]) {
    for (let at = start; at < stop; ) {
      const end = turns.next(bytes, at, stop, spoke.includes(at))
      if (turns.sequence >= 0) found.push([at, turns.sequence])
      at = end
    }
    start = stop
  }
  return found
}

const packet = (sequence: number, length = 3) => encodePacket(sequence, Buffer.alloc(length, 1))
const packets = (...sequences: number[]) => Buffer.concat(sequences.map(sequence => packet(sequence)))

test('a packet that does not go on from the last one begins a turn', () => {
  expect(turnsOf(packets(1, 2, 3, 1, 2, 0, 0))).toEqual([
    [0, 1],
    [21, 1],
    [35, 0],
    [42, 0],
  ])
})

test('numbers that begin anew after 255 do not', () => {
  const long = packets(...Array.from({ length: 600 }, (_, i) => (i + 1) & 0xff))
  expect(turnsOf(long)).toEqual([[0, 1]])
})

test('after 255 one does, once the peer has spoken', () => {
  const bytes = packets(...Array.from({ length: 257 }, (_, i) => i & 0xff))
  expect(turnsOf(bytes, [7 * 256], [])).toEqual([])
  expect(turnsOf(bytes, [7 * 256], [7 * 256])).toEqual([[7 * 256, 0]])
})

test('within a packet nothing begins, however it is cut', () => {
  const bytes = Buffer.concat([packet(1, 50), packet(2, 50), packet(1, 50)])
  for (let cut = 5; cut < 54; cut++)
    expect(turnsOf(bytes, [cut], [cut])).toEqual([
      [0, 1],
      [108, 1],
    ])
})
