/** Frames as bytes. */
import { FrameType } from './constants.ts'

export const FRAME_HEAD_BYTES = 9

/** Writes the head of a frame into memory that has room for it. */
export function writeFrameHead(
  target: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  target[at] = length >>> 16
  target[at + 1] = length >>> 8
  target[at + 2] = length
  target[at + 3] = type
  target[at + 4] = flags
  target[at + 5] = stream >>> 24
  target[at + 6] = stream >>> 16
  target[at + 7] = stream >>> 8
  target[at + 8] = stream
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length)
  writeFrameHead(bytes, 0, payload.length, type, flags, stream)
  bytes.set(payload, FRAME_HEAD_BYTES)
  return bytes
}

/** By their numbers. */
export function settings(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6)
  values.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6)
    payload.writeUInt32BE(value, i * 6 + 2)
  })
  return frame(FrameType.SETTINGS, 0, 0, payload)
}

export function windowUpdate(stream: number, increment: number): Buffer {
  return frame(FrameType.WINDOW_UPDATE, 0, stream, number(increment))
}

export function reset(stream: number, code: number): Buffer {
  return frame(FrameType.RST_STREAM, 0, stream, number(code))
}

/** `text` is for the people who look for the reason. */
export function goAway(lastStream: number, code: number, text = ''): Buffer {
  return frame(FrameType.GOAWAY, 0, 0, Buffer.concat([number(lastStream), number(code), Buffer.from(text)]))
}

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}
