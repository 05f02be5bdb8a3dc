/** One connection of HTTP/2, as its server sees it: frames to streams and back. RFC 9113. */
import type { Socket } from 'node:net'
import { ProtocolError } from '../../../codecs/codec.ts'
import {
  checkFrame,
  codeOf,
  connectionError,
  ErrorCode,
  Flag,
  FrameDecoder,
  type FrameSink,
  FrameType,
  frame,
  goAway,
  MAX_WINDOW,
  reset,
  Setting,
  settings,
  windowUpdate,
  withoutPadding,
} from '../../../codecs/http2/index.ts'
import { FieldBlocks } from './field-blocks.ts'
import { Patience } from './rate-limit.ts'
import type { RequestHead } from './request-head.ts'
import { Sending } from './sending.ts'
import { Http2Stream } from './stream.ts'

export interface SessionHost {
  readonly maxConcurrentStreams: number
  /** Gives a new stream its sink. */
  open(stream: Http2Stream, head: RequestHead): void
  /** The same, for a request whose fields were too many. */
  refuse(stream: Http2Stream): void
  now(): number
  bug(what: string, error: unknown): void
}

/** Credit of each stream, and of the connection: what those that are paused may hold. */
const STREAM_CREDIT = 256 * 1024
const CONNECTION_CREDIT = 16 * 1024 * 1024
const DEFAULT_WINDOW = 65_535
/** Streams that were reset here, whose frames may be under way. */
const MAX_FORGIVEN = 1_000
const EMPTY = Buffer.alloc(0)
const DRAIN_PING = Buffer.from('draining')

type Phase = 'greeting' | 'open' | 'draining' | 'closed'

export class Http2Session implements FrameSink {
  readonly #host: SessionHost
  readonly #socket: Socket
  readonly sending: Sending
  readonly #patience: Patience
  readonly #decoder = new FrameDecoder(this)
  readonly #blocks = new FieldBlocks()
  readonly #streams = new Map<number, Http2Stream>()
  readonly #forgiven = new Set<number>()
  #phase: Phase = 'greeting'
  #lastStream = 0
  #orphans = 0
  #credit = CONNECTION_CREDIT
  #owed = 0
  /** The peer has heard that it is to begin nothing more. */
  #draining = false

  constructor(host: SessionHost, socket: Socket) {
    this.#host = host
    this.#socket = socket
    this.sending = new Sending(socket, () => this.#onDrained())
    this.#patience = new Patience(() => host.now())
    this.sending.write(
      settings([
        [Setting.MAX_CONCURRENT_STREAMS, host.maxConcurrentStreams],
        [Setting.INITIAL_WINDOW_SIZE, STREAM_CREDIT],
        [Setting.MAX_HEADER_LIST_SIZE, this.#blocks.maxListBytes],
      ]),
    )
    this.sending.write(windowUpdate(0, CONNECTION_CREDIT - DEFAULT_WINDOW))
  }

  // --- The connection -------------------------------------------------------------------------------------------------

  /** The peer's first frame has come. */
  get hasGreeted(): boolean {
    return this.#phase !== 'greeting'
  }

  onBytes(bytes: Buffer): void {
    if (this.#phase === 'closed') return
    try {
      this.#decoder.write(bytes)
    } catch (error) {
      const isTheirs = error instanceof ProtocolError
      if (!isTheirs) this.#host.bug('HTTP/2', error)
      this.#fail(isTheirs ? error : connectionError('INTERNAL_ERROR', 'a bug'))
    }
    this.sending.flush()
    // Who does not read answers may not ask on.
    if (this.sending.congested) this.#socket.pause()
  }

  /** The socket is closed, or its peer says nothing more. */
  onClosed(): void {
    this.#phase = 'closed'
    for (const stream of this.#streams.values()) stream.abort()
    this.#streams.clear()
    this.#socket.destroy()
  }

  /** Lets what is under way finish; new streams are not begun. */
  drain(): void {
    if (this.#phase === 'closed' || this.#phase === 'draining') return
    this.#phase = 'draining'
    // Streams that the peer has begun before it hears of that are served: its answer to the ping tells that it has.
    this.sending.write(goAway(MAX_WINDOW, ErrorCode.NO_ERROR))
    this.sending.write(frame(FrameType.PING, 0, 0, DRAIN_PING))
  }

  #fail(error: ProtocolError): void {
    this.sending.write(goAway(this.#lastStream, codeOf(error), error.message))
    this.sending.flush()
    this.#phase = 'closed'
    for (const stream of this.#streams.values()) stream.abort()
    this.#streams.clear()
    this.#socket.resume()
    this.#socket.end(() => this.#socket.destroy())
  }

  #onDrained(): void {
    if (this.#phase === 'closed') return
    this.#socket.resume()
    this.sending.pump()
  }

  // --- What streams ask for -------------------------------------------------------------------------------------------

  get initialCredit(): number {
    return STREAM_CREDIT
  }

  creditStream(stream: number, bytes: number): void {
    this.sending.write(windowUpdate(stream, bytes))
  }

  /** Bytes that were taken may come again. */
  credit(bytes: number): void {
    this.#owed += bytes
    if (this.#owed < CONNECTION_CREDIT / 4 || this.#phase === 'closed') return
    this.sending.write(windowUpdate(0, this.#owed))
    this.#credit += this.#owed
    this.#owed = 0
  }

  /** A stream has sent its end. */
  closed(stream: Http2Stream, remoteEnded: boolean): void {
    // It was answered before the request has come whole: the rest is not wanted.
    if (!remoteEnded) {
      this.sending.write(reset(stream.id, ErrorCode.NO_ERROR))
      this.#forgive(stream.id)
    }
    this.#forget(stream)
  }

  orphanSettled(): void {
    this.#orphans--
  }

  #forget(stream: Http2Stream): void {
    if (!this.#streams.delete(stream.id)) return
    this.sending.forget(stream)
    this.credit(stream.release())
    if (stream.sink.isBusy) {
      stream.orphan()
      this.#orphans++
    }
    this.#endIfDrained()
  }

  #forgive(stream: number): void {
    this.#forgiven.add(stream)
    if (this.#forgiven.size > MAX_FORGIVEN) this.#forgiven.delete(this.#forgiven.values().next().value!)
  }

  // --- What the peer sends --------------------------------------------------------------------------------------------

  onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (this.#phase === 'closed') return
    if (this.#phase === 'greeting') this.#greet(type, flags)
    if (this.#blocks.stream !== 0 && (type !== FrameType.CONTINUATION || stream !== this.#blocks.stream))
      throw connectionError('PROTOCOL_ERROR', 'a frame in the middle of a block of fields')
    checkFrame(type, stream, payload.length)
    switch (type) {
      case FrameType.DATA:
        return this.#onData(flags, stream, payload)
      case FrameType.HEADERS:
        return this.#onHeaders(flags, stream, payload)
      case FrameType.CONTINUATION:
        if (this.#blocks.continue(flags, payload)) this.#onBlock(stream)
        return
      case FrameType.SETTINGS:
        return this.#onSettings(flags, payload)
      case FrameType.PING:
        return this.#onPing(flags, payload)
      case FrameType.WINDOW_UPDATE:
        return this.#onWindowUpdate(stream, payload)
      case FrameType.RST_STREAM:
        return this.#onReset(stream)
      case FrameType.PRIORITY:
        return this.#onPriority(stream, payload)
      case FrameType.GOAWAY:
        return this.#patience.noise()
      case FrameType.PUSH_PROMISE:
        throw connectionError('PROTOCOL_ERROR', 'a client pushes nothing')
      default:
        // Unknown frames are for others.
        return this.#patience.noise()
    }
  }

  #greet(type: number, flags: number): void {
    if (type !== FrameType.SETTINGS || flags & Flag.ACK)
      throw connectionError('PROTOCOL_ERROR', 'the first frame is not SETTINGS')
    this.#phase = 'open'
  }

  #onData(flags: number, id: number, payload: Buffer): void {
    this.#credit -= payload.length
    if (this.#credit < 0) throw connectionError('FLOW_CONTROL_ERROR', 'more data than the connection may have')
    const bytes = withoutPadding(flags, payload)
    const isEnd = (flags & Flag.END_STREAM) !== 0
    if (bytes.length === 0 && !isEnd) this.#patience.noise()
    const stream = this.#streams.get(id)
    if (!stream || stream.isRemoteEnded) {
      this.credit(payload.length)
      return this.#refuseLate(id, stream)
    }
    if (!stream.takeData(bytes, payload.length)) return this.#resetStream(stream, ErrorCode.FLOW_CONTROL_ERROR)
    // Whoever serves it may have answered already.
    if (stream.isClosed) return
    if (!stream.lengthIsRight(isEnd)) return this.#resetStream(stream, ErrorCode.PROTOCOL_ERROR)
    if (isEnd) stream.takeEnd()
  }

  /** Something of a stream that says nothing more. */
  #refuseLate(id: number, stream: Http2Stream | undefined): void {
    if (id > this.#lastStream) throw connectionError('PROTOCOL_ERROR', `stream ${id} was never begun`)
    if (this.#forgiven.has(id)) return
    this.#patience.noise()
    if (stream) this.#resetStream(stream, ErrorCode.STREAM_CLOSED)
    else this.sending.write(reset(id, ErrorCode.STREAM_CLOSED))
  }

  #onHeaders(flags: number, id: number, payload: Buffer): void {
    if (id % 2 === 0) throw connectionError('PROTOCOL_ERROR', `HEADERS of stream ${id}`)
    let block = withoutPadding(flags, payload)
    if (flags & Flag.PRIORITY) {
      if (block.length < 5) throw connectionError('FRAME_SIZE_ERROR', 'a priority that is cut off')
      if ((block.readUInt32BE(0) & 0x7fff_ffff) === id)
        throw connectionError('PROTOCOL_ERROR', 'a stream that depends on itself')
      block = block.subarray(5)
    }
    if (this.#blocks.begin(flags, id, block)) this.#onBlock(id)
  }

  #onBlock(id: number): void {
    const head = this.#blocks.decode()
    if (id > this.#lastStream) return this.#begin(id)
    const stream = this.#streams.get(id)
    if (!stream) {
      if (this.#forgiven.has(id)) return
      throw connectionError('STREAM_CLOSED', `HEADERS of stream ${id}, which is closed`)
    }
    if (stream.isRemoteEnded) throw connectionError('STREAM_CLOSED', `HEADERS of stream ${id}, which has ended`)
    if (!this.#blocks.isEnd || !head.isTrailer() || !stream.lengthIsRight(true))
      return this.#resetStream(stream, ErrorCode.PROTOCOL_ERROR)
    stream.takeEnd()
  }

  #begin(id: number): void {
    this.#lastStream = id
    const { reader, isEnd } = this.#blocks
    if (this.#streams.size + this.#orphans >= this.#host.maxConcurrentStreams) {
      this.#patience.reset()
      this.#forgive(id)
      return this.sending.write(reset(id, ErrorCode.REFUSED_STREAM))
    }
    const stream = new Http2Stream(this, id, this.sending.initialWindow, STREAM_CREDIT, reader.contentLength, isEnd)
    this.#streams.set(id, stream)
    if (reader.tooLarge) {
      this.#host.refuse(stream)
    } else {
      const head = reader.head()
      if (!head || !stream.lengthIsRight(isEnd)) {
        this.#streams.delete(id)
        this.#patience.reset()
        this.#forgive(id)
        return this.sending.write(reset(id, ErrorCode.PROTOCOL_ERROR))
      }
      this.#host.open(stream, head)
    }
    if (isEnd) stream.takeEnd()
  }

  #resetStream(stream: Http2Stream, code: number): void {
    this.#patience.reset()
    this.sending.write(reset(stream.id, code))
    this.#forgive(stream.id)
    stream.abort()
    this.#forget(stream)
  }

  #onSettings(flags: number, payload: Buffer): void {
    if (flags & Flag.ACK) {
      if (payload.length > 0) throw connectionError('FRAME_SIZE_ERROR', 'an acknowledgement with settings')
      return this.#patience.noise()
    }
    this.#patience.noise()
    const more = this.sending.apply(payload)
    this.sending.write(frame(FrameType.SETTINGS, Flag.ACK, 0, EMPTY))
    if (more === 0) return
    for (const each of [...this.#streams.values()])
      if (!each.widen(more)) throw connectionError('FLOW_CONTROL_ERROR', 'the window of a stream becomes too large')
  }

  #onPing(flags: number, payload: Buffer): void {
    this.#patience.noise()
    if (!(flags & Flag.ACK)) return this.sending.write(frame(FrameType.PING, Flag.ACK, 0, payload))
    if (this.#phase !== 'draining' || !payload.equals(DRAIN_PING) || this.#draining) return
    this.#draining = true
    this.sending.write(goAway(this.#lastStream, ErrorCode.NO_ERROR))
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    if (!this.#draining || this.#streams.size > 0 || this.#phase === 'closed') return
    this.#phase = 'closed'
    this.sending.flush()
    this.#socket.end(() => this.#socket.destroy())
  }

  #onWindowUpdate(id: number, payload: Buffer): void {
    const increment = payload.readUInt32BE(0) & MAX_WINDOW
    if (id === 0) {
      if (increment === 0) throw connectionError('PROTOCOL_ERROR', 'a WINDOW_UPDATE of nothing')
      return this.sending.widen(increment)
    }
    if (id > this.#lastStream) throw connectionError('PROTOCOL_ERROR', `WINDOW_UPDATE of stream ${id}, never begun`)
    const stream = this.#streams.get(id)
    // It may have ended since.
    if (!stream) return
    if (increment === 0) this.#resetStream(stream, ErrorCode.PROTOCOL_ERROR)
    else if (!stream.widen(increment)) this.#resetStream(stream, ErrorCode.FLOW_CONTROL_ERROR)
  }

  #onReset(id: number): void {
    if (id > this.#lastStream) throw connectionError('PROTOCOL_ERROR', `RST_STREAM of stream ${id}, never begun`)
    this.#patience.reset()
    const stream = this.#streams.get(id)
    if (!stream) return
    stream.abort()
    this.#forget(stream)
  }

  #onPriority(stream: number, payload: Buffer): void {
    if ((payload.readUInt32BE(0) & 0x7fff_ffff) === stream)
      throw connectionError('PROTOCOL_ERROR', 'a stream that depends on itself')
    this.#patience.noise()
  }
}
