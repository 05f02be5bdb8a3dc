/** Where each type of frame may stand, and how long it is. RFC 9113, section 6. */
import { FrameType } from './constants.ts'
import { connectionError } from './errors.ts'

interface FrameRule {
  readonly name: string
  /** Whether it belongs to a stream; undefined: to either. */
  readonly ofStream: boolean | undefined
  readonly bytes?: number
  readonly minBytes?: number
}

const RULES: Readonly<Record<number, FrameRule>> = {
  [FrameType.DATA]: { name: 'DATA', ofStream: true },
  [FrameType.HEADERS]: { name: 'HEADERS', ofStream: true },
  [FrameType.PRIORITY]: { name: 'PRIORITY', ofStream: true, bytes: 5 },
  [FrameType.RST_STREAM]: { name: 'RST_STREAM', ofStream: true, bytes: 4 },
  [FrameType.SETTINGS]: { name: 'SETTINGS', ofStream: false },
  [FrameType.PUSH_PROMISE]: { name: 'PUSH_PROMISE', ofStream: true },
  [FrameType.PING]: { name: 'PING', ofStream: false, bytes: 8 },
  [FrameType.GOAWAY]: { name: 'GOAWAY', ofStream: false, minBytes: 8 },
  [FrameType.WINDOW_UPDATE]: { name: 'WINDOW_UPDATE', ofStream: undefined, bytes: 4 },
  [FrameType.CONTINUATION]: { name: 'CONTINUATION', ofStream: true },
}

/** Throws ProtocolError for a frame that breaks its rule; unknown types have none. */
export function checkFrame(type: number, stream: number, bytes: number): void {
  const rule = RULES[type]
  if (!rule) return
  if (rule.ofStream !== undefined && rule.ofStream !== (stream !== 0))
    throw connectionError('PROTOCOL_ERROR', `${rule.name} of stream ${stream}`)
  if (bytes !== (rule.bytes ?? bytes) || bytes < (rule.minBytes ?? 0))
    throw connectionError('FRAME_SIZE_ERROR', `${rule.name} of ${bytes} bytes`)
}
