/** A client of a session in memory: frames go in, and what it writes comes out as frames. Nothing is asynchronous. */
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { encodeFields, Flag, FrameType, frame, PREFACE, settings } from '../../../../codecs/http2/index.ts'
import {
  Http2Session,
  type Http2Stream,
  type RequestHead,
  type StreamSink,
} from '../../../../listeners/grpc/http2/index.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** What became of a stream here. */
export class Recorder implements StreamSink {
  readonly stream: Http2Stream
  readonly head: RequestHead
  readonly events: string[] = []
  isBusy = false

  constructor(stream: Http2Stream, head: RequestHead) {
    this.stream = stream
    this.head = head
  }

  onData(bytes: Buffer): void {
    this.events.push(`data ${bytes.length}`)
  }
  onEnd(): void {
    this.events.push('end')
  }
  onReset(): void {
    this.events.push('reset')
  }
  onDrained(): void {
    this.events.push('drained')
  }
}

export const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a'],
]

export class Peer {
  readonly clock = new ManualClock()
  readonly streams: Recorder[] = []
  readonly bugs: unknown[] = []
  readonly session: Http2Session
  refused = 0
  /** Whether the session reads. */
  reading = true
  ended = false
  readonly #frames: Frame[] = []
  #stalled: (() => void)[] | undefined

  constructor(more: { readonly maxConcurrentStreams?: number; readonly greets?: boolean } = {}) {
    const sink = new Writable({
      highWaterMark: 1,
      write: (bytes: Buffer, _, done) => {
        this.#read(bytes)
        if (this.#stalled) this.#stalled.push(done)
        else done()
      },
      final: done => {
        this.ended = true
        done()
      },
    })
    const socket = Object.assign(sink, {
      pause: () => void (this.reading = false),
      resume: () => void (this.reading = true),
    }) as unknown as Socket
    this.session = new Http2Session(
      {
        maxConcurrentStreams: more.maxConcurrentStreams ?? 100,
        open: (stream, head) => {
          const recorder = new Recorder(stream, head)
          stream.sink = recorder
          this.streams.push(recorder)
        },
        refuse: stream => {
          this.refused++
          stream.sink = new Recorder(stream, {} as RequestHead)
        },
        now: () => this.clock.now(),
        bug: (_, error) => void this.bugs.push(error),
      },
      socket,
    )
    this.raw(PREFACE)
    if (more.greets !== false) this.raw(settings([]))
    this.take()
  }

  raw(...bytes: readonly Buffer[]): void {
    for (const each of bytes) this.session.onBytes(each)
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    this.raw(frame(type, flags, stream, payload))
  }

  /** Begins a stream. */
  request(stream: number, fields = REQUEST, flags: number = Flag.END_HEADERS | Flag.END_STREAM): Recorder {
    this.send(FrameType.HEADERS, flags, stream, encodeFields(fields))
    return this.streams.at(-1)!
  }

  /** What was written since it was last asked. */
  take(): readonly Frame[] {
    // What is gathered is written with the next bytes.
    this.raw(Buffer.alloc(0))
    return this.#frames.splice(0)
  }

  /** The last frame, as a short word: its type and code. */
  goAwayCode(): number | undefined {
    const last = this.take().findLast(({ type }) => type === FrameType.GOAWAY)
    return last?.payload.readUInt32BE(4)
  }

  resetCodes(): readonly (readonly [stream: number, code: number])[] {
    return this.take()
      .filter(({ type }) => type === FrameType.RST_STREAM)
      .map(({ stream, payload }) => [stream, payload.readUInt32BE(0)] as const)
  }

  /** The network takes nothing more. */
  stall(): void {
    this.#stalled = []
  }

  #rest: Buffer = Buffer.alloc(0)

  #read(chunk: Buffer): void {
    // The memory is written again.
    let bytes: Buffer = Buffer.concat([this.#rest, chunk])
    while (bytes.length >= 9) {
      const end = 9 + bytes.readUIntBE(0, 3)
      if (bytes.length < end) break
      this.#frames.push({
        type: bytes[3]!,
        flags: bytes[4]!,
        stream: bytes.readUInt32BE(5),
        payload: bytes.subarray(9, end),
      })
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
  }
}
