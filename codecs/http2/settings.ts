/** What a peer's SETTINGS frame says, as far as it concerns one who answers. RFC 9113, section 6.5. */
import { MAX_FRAME_BYTES, MAX_WINDOW, Setting } from './constants.ts'
import { connectionError } from './errors.ts'

export interface PeerSettings {
  /** Bytes that each of its streams takes at first. */
  initialWindow: number
  maxFrameBytes: number
}

/** Takes over what the frame names. */
export function readSettings(payload: Buffer, into: PeerSettings): void {
  if (payload.length % 6 !== 0) throw connectionError('FRAME_SIZE_ERROR', 'a piece of a setting')
  for (let at = 0; at < payload.length; at += 6) {
    const value = payload.readUInt32BE(at + 2)
    switch (payload.readUInt16BE(at)) {
      case Setting.ENABLE_PUSH:
        if (value > 1) throw connectionError('PROTOCOL_ERROR', 'ENABLE_PUSH is neither 0 nor 1')
        break
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) throw connectionError('FLOW_CONTROL_ERROR', 'a window that is too large')
        into.initialWindow = value
        break
      case Setting.MAX_FRAME_SIZE:
        if (value < MAX_FRAME_BYTES || value > 0xff_ffff)
          throw connectionError('PROTOCOL_ERROR', 'MAX_FRAME_SIZE is out of its range')
        into.maxFrameBytes = value
        break
      default:
      // Header fields are encoded without a table; the others are no concern of a server, or unknown.
    }
  }
}
