/**
 * Finds in a stream of packets where the sender begins anew: a command, or a response. Frames of the compressed protocol
 * begin to count anew there. Within a turn each packet's sequence id follows that of the one before.
 */
import { PACKET_HEADER_BYTES } from './writer.ts'

export class PacketTurns {
  /** The bytes that the last call looked at begin a turn, with a packet of this sequence id; -1 when they do not. */
  sequence = -1
  #due = 0
  /** Bytes to come of the packet at hand. */
  #left = 0
  readonly #header = Buffer.alloc(PACKET_HEADER_BYTES)
  #headerBytes = 0

  /**
   * Returns up to where bytes belong to one turn. `peerSpoke`: the peer has sent something since the last bytes, so that a
   * packet here begins a turn whatever its number. A header in two parts is taken for a part of the turn at hand.
   */
  next(bytes: Uint8Array, start: number, end: number, peerSpoke: boolean): number {
    this.sequence = -1
    let at = start
    for (;;) {
      const step = Math.min(this.#left, end - at)
      at += step
      this.#left -= step
      if (at === end) return end
      const wasWhole = this.#headerBytes === 0
      const header = this.#header
      let stop = at
      while (this.#headerBytes < PACKET_HEADER_BYTES && stop < end) header[this.#headerBytes++] = bytes[stop++]!
      if (this.#headerBytes < PACKET_HEADER_BYTES) return end
      const sequence = header[3]!
      const isTurn = wasWhole && (sequence !== this.#due || (peerSpoke && at === start))
      if (isTurn) {
        if (at > start) {
          this.#headerBytes = 0
          return at
        }
        this.sequence = sequence
      }
      this.#headerBytes = 0
      this.#due = (sequence + 1) & 0xff
      this.#left = header[0]! | (header[1]! << 8) | (header[2]! << 16)
      at = stop
    }
  }
}
