/** What leaves on a connection of HTTP/2: frames, as far as the windows of its peer allow. */
import type { Socket } from 'node:net'
import {
  connectionError,
  Flag,
  FRAME_HEAD_BYTES,
  FrameType,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  type PeerSettings,
  readSettings,
  writeFrameHead,
} from '../../../codecs/http2/index.ts'
import { Output } from './output.ts'
import { fieldFrames, type Http2Stream } from './stream.ts'

const DEFAULT_WINDOW = 65_535

export class Sending {
  readonly #output: Output
  readonly #peer: PeerSettings = { initialWindow: DEFAULT_WINDOW, maxFrameBytes: MAX_FRAME_BYTES }
  readonly #blocked = new Set<Http2Stream>()
  #window = DEFAULT_WINDOW

  constructor(socket: Socket, onDrained: () => void) {
    this.#output = new Output(socket, onDrained)
  }

  /** The peer does not read. */
  get congested(): boolean {
    return this.#output.congested
  }

  get initialWindow(): number {
    return this.#peer.initialWindow
  }

  write(frame: Buffer): void {
    this.#output.write(frame)
  }

  flush(): void {
    this.#output.flush()
  }

  data(stream: number, prefix: Buffer, bytes: Buffer): void {
    const length = prefix.length + bytes.length
    const at = this.#output.reserve(FRAME_HEAD_BYTES + length)
    const { memory } = this.#output
    writeFrameHead(memory, at, length, FrameType.DATA, 0, stream)
    memory.set(prefix, at + FRAME_HEAD_BYTES)
    memory.set(bytes, at + FRAME_HEAD_BYTES + prefix.length)
  }

  fields(stream: number, block: Buffer, isEnd: boolean): void {
    if (block.length > MAX_FRAME_BYTES) return this.write(fieldFrames(stream, block, isEnd, MAX_FRAME_BYTES))
    const at = this.#output.reserve(FRAME_HEAD_BYTES + block.length)
    const { memory } = this.#output
    const flags = isEnd ? Flag.END_HEADERS | Flag.END_STREAM : Flag.END_HEADERS
    writeFrameHead(memory, at, block.length, FrameType.HEADERS, flags, stream)
    memory.set(block, at + FRAME_HEAD_BYTES)
  }

  /** How many bytes of so many may be sent at once. */
  windowFor(count: number): number {
    return this.congested ? 0 : Math.min(count, this.#window, this.#peer.maxFrameBytes, MAX_FRAME_BYTES)
  }

  /** False, and nothing is taken, when so many bytes may not be sent in one frame. */
  takeWindow(streamWindow: number, count: number): boolean {
    if (count > streamWindow || this.windowFor(count) < count) return false
    this.#window -= count
    return true
  }

  /** The stream is asked to go on when there is room again. */
  blocked(stream: Http2Stream): void {
    this.#blocked.add(stream)
  }

  forget(stream: Http2Stream): void {
    this.#blocked.delete(stream)
  }

  /** Asks all that are blocked to go on. */
  pump(): void {
    if (this.#blocked.size === 0) return
    const streams = [...this.#blocked]
    this.#blocked.clear()
    for (const stream of streams) stream.pump()
  }

  widen(increment: number): void {
    this.#window += increment
    if (this.#window > MAX_WINDOW) throw connectionError('FLOW_CONTROL_ERROR', 'the window becomes too large')
    this.pump()
  }

  /** Takes over the peer's settings; returns by how much the windows of its streams become wider. */
  apply(settings: Buffer): number {
    const before = this.#peer.initialWindow
    readSettings(settings, this.#peer)
    return this.#peer.initialWindow - before
  }
}
