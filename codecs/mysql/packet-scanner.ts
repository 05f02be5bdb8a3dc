/**
 * Cuts what a peer sends into packets: commands, and everything of the login. A packet up to a bound comes whole; a
 * longer one, and each of 16 MiB or more, comes in pieces as they arrive. Keeps no bytes: who reads keeps those of a
 * packet that is not there whole and scans again when there are more. (Responses: response-tracker.ts.)
 */
import { ProtocolError } from '../codec.ts'
import { MAX_PACKET_PAYLOAD, PACKET_HEADER_BYTES } from './writer.ts'

export interface PacketLimits {
  /** Payloads up to so many bytes come whole; below 16 MiB. */
  readonly wholeBytes: number
  /** The first piece of a longer payload has at least so many bytes of it. */
  readonly firstPieceBytes: number
  /** Longer payloads are refused: a server's max_allowed_packet. */
  readonly maxBytes: number
}

/** Greeting, login and proofs; a server takes no more than some kilobytes before it knows who talks. */
export const LOGIN_LIMITS: PacketLimits = { wholeBytes: 65_536, firstPieceBytes: 0, maxBytes: 65_536 }

/** 1 GiB is the most that a server can be told to accept. */
export const COMMAND_LIMITS: PacketLimits = { wholeBytes: 65_536, firstPieceBytes: 1_024, maxBytes: 1_073_741_824 }

/** What a scan found. */
export const PacketScan = {
  /** Not enough bytes: `missing` more at least. Scan again from the same start. */
  MORE: 0,
  /** A packet, whole: its payload from `payloadStart` to `payloadEnd`. */
  WHOLE: 1,
  /** A piece of a long packet's payload, `first` and `last` tell which; between `start` and `payloadStart` lies a header or nothing. */
  PIECE: 2,
} as const
export type PacketScan = (typeof PacketScan)[keyof typeof PacketScan]

export class PacketScanner {
  payloadStart = 0
  /** Also where the next scan begins. */
  payloadEnd = 0
  /** Of the packet that the payload or piece belongs to. */
  sequence = 0
  /** Another sequence id is refused. Set it to 0 before each command, to one more than the server's before an answer. */
  nextSequence = 0
  /**
   * On a compressed connection peers number packets as it comes, and frames instead: other ids are overwritten with those
   * that are due.
   */
  renumbers = false
  missing = 0
  /** This piece begins a payload. */
  first = false
  /** This piece ends a payload. */
  last = false
  /** Bytes still to come of the packet at hand, of which a piece was handed out. */
  #left = 0
  /** The packet at hand is continued by the next one. */
  #continued = false
  #total = 0

  /** True while a payload is handed out in pieces and its last one has not been. */
  get inPieces(): boolean {
    return this.#left > 0 || this.#continued
  }

  /** Throws ProtocolError: `packet-sequence`, `packet-too-large`. */
  scan(bytes: Uint8Array, start: number, end: number, limits: PacketLimits): PacketScan {
    if (this.#left > 0) {
      if (end === start) return this.#more(1)
      return this.#piece(start, start, end)
    }
    const available = end - start - PACKET_HEADER_BYTES
    if (available < 0) return this.#more(-available)
    const length = bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16)
    let sequence = bytes[start + 3]!
    if (sequence !== this.nextSequence) {
      if (!this.renumbers) {
        throw new ProtocolError('packet-sequence', `sequence id ${sequence} where ${this.nextSequence} is due`)
      }
      sequence = bytes[start + 3] = this.nextSequence
    }
    const payloadStart = start + PACKET_HEADER_BYTES
    if (!this.#continued) {
      if (length > limits.maxBytes) throw tooLarge(limits)
      if (length <= limits.wholeBytes && length < MAX_PACKET_PAYLOAD) {
        if (available < length) return this.#more(length - available)
        this.sequence = sequence
        this.nextSequence = (sequence + 1) & 0xff
        this.payloadStart = payloadStart
        this.payloadEnd = payloadStart + length
        return PacketScan.WHOLE
      }
      const least = Math.min(limits.firstPieceBytes, length)
      if (available < least) return this.#more(least - available)
      this.#total = 0
    } else if (this.#total + length > limits.maxBytes) throw tooLarge(limits)
    this.first = !this.#continued
    this.sequence = sequence
    this.nextSequence = (sequence + 1) & 0xff
    this.#total += length
    this.#left = length
    this.#continued = length === MAX_PACKET_PAYLOAD
    return this.#piece(start, payloadStart, end)
  }

  #piece(start: number, payloadStart: number, end: number): PacketScan {
    if (start === payloadStart) this.first = false
    const step = Math.min(this.#left, end - payloadStart)
    this.#left -= step
    this.payloadStart = payloadStart
    this.payloadEnd = payloadStart + step
    this.last = this.#left === 0 && !this.#continued
    return PacketScan.PIECE
  }

  #more(missing: number): PacketScan {
    this.missing = missing
    return PacketScan.MORE
  }
}

const tooLarge = ({ maxBytes }: PacketLimits): ProtocolError =>
  new ProtocolError('packet-too-large', `a packet is longer than ${maxBytes} bytes`)
