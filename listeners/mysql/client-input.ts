/** What a client has sent and nobody has looked at yet, cut into packets: whole ones, and pieces of large ones. */
import {
  COM_STMT_EXECUTE,
  COM_STMT_PREPARE,
  COMMAND_LIMITS,
  MAX_PACKET_PAYLOAD,
  PACKET_HEADER_BYTES,
  type PacketLimits,
  PacketScan,
  PacketScanner,
} from '../../codecs/mysql/index.ts'

export class ClientInput {
  /** The packet or piece found by next(), header included. */
  packet: Buffer = EMPTY
  /** More of the packet at hand is to come. */
  partial = false
  readonly #scanner = new PacketScanner()
  readonly #limits: PacketLimits
  readonly #prepareLimits: PacketLimits
  readonly #executeLimits: PacketLimits
  #bytes: Buffer = EMPTY
  /** Chunks that are put together when as much is there as the scanner needs. */
  readonly #chunks: Buffer[] = []
  #chunkBytes = 0
  #needed = 0

  constructor(maxPacketBytes: number) {
    this.#limits = { ...COMMAND_LIMITS, maxBytes: maxPacketBytes }
    // Its text is kept whole in any case, to be prepared elsewhere too.
    this.#prepareLimits = { ...this.#limits, wholeBytes: MAX_PACKET_PAYLOAD - 1 }
    this.#executeLimits = { ...this.#limits, firstPieceBytes: EXECUTE_HEAD_BYTES }
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#bytes.length + this.#chunkBytes
  }

  /** How many bytes are to wait until there is a packet or piece; 0 when that is not known. */
  get wanted(): number {
    return this.#needed === 0 ? 0 : this.#bytes.length + this.#needed
  }

  /** Adds bytes that nobody else changes. */
  add(chunk: Buffer): void {
    if (this.waiting === 0) {
      this.#bytes = chunk
      return
    }
    this.#chunks.push(chunk)
    this.#chunkBytes += chunk.length
  }

  /** The client numbers frames, and packets as it likes. */
  renumber(): void {
    this.#scanner.renumbers = true
  }

  /** The next packet continues the conversation at this sequence id; commands begin at 0. */
  expect(sequence: number): void {
    this.#scanner.nextSequence = sequence
  }

  /** Finds the next command, or the next piece of the one at hand. Throws like next(). */
  nextCommand(): boolean {
    const isBeginning = !this.#scanner.inPieces
    if (isBeginning) this.#scanner.nextSequence = 0
    return this.next(isBeginning)
  }

  /** Finds the next packet or piece, of a command or of something else. Throws ProtocolError: `packet-sequence`, `packet-too-large`. */
  next(isCommand = false): boolean {
    if (this.#chunkBytes > 0) {
      if (this.#chunkBytes < this.#needed) return false
      this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks])
      this.#chunks.length = 0
      this.#chunkBytes = 0
    }
    const bytes = this.#bytes
    if (bytes.length === 0) return false
    const scanner = this.#scanner
    const found = scanner.scan(bytes, 0, bytes.length, isCommand ? this.#limitsOf(bytes) : this.#limits)
    if (found === PacketScan.MORE) {
      this.#needed = scanner.missing
      return false
    }
    this.#needed = 0
    const end = scanner.payloadEnd
    this.packet = end === bytes.length ? bytes : bytes.subarray(0, end)
    this.#bytes = end === bytes.length ? EMPTY : bytes.subarray(end)
    this.partial = found === PacketScan.PIECE && !scanner.last
    return true
  }

  #limitsOf(command: Buffer): PacketLimits {
    if (command.length <= PACKET_HEADER_BYTES) return this.#limits
    const code = command[PACKET_HEADER_BYTES]
    if (code === COM_STMT_EXECUTE) return this.#executeLimits
    return code === COM_STMT_PREPARE ? this.#prepareLimits : this.#limits
  }

  clear(): void {
    this.#bytes = EMPTY
    this.#chunks.length = 0
    this.#chunkBytes = 0
  }
}

const EMPTY = Buffer.alloc(0)

/** Its types are looked at: 65,535 parameters have 200 KiB of them and of the bitmap before, empty names included. */
const EXECUTE_HEAD_BYTES = 262_144
