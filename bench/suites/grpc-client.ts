/**
 * As little of a gRPC client as a load needs: fixed frames of HTTP/2 written to a socket, and the frames of the answers
 * counted. A client library takes several times the time of what is measured (bench/README.md).
 */
import type { Socket } from 'node:net'

const DATA = 0
const HEADERS = 1
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const WINDOW_UPDATE = 8
const ACK = 1
const END_STREAM = 1
const END_HEADERS = 4
const FRAME_HEAD = 9
const WINDOW = 0x7fff_ffff

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A field with its name and value as they are; HPACK's dynamic table takes it, unless both sides know the name. */
function field(first: number, name: string, value: string): Buffer {
  const text = (each: string) => Buffer.concat([Buffer.from([each.length]), Buffer.from(each, 'latin1')])
  return Buffer.concat([Buffer.from([first]), ...(name === '' ? [] : [text(name)]), text(value)])
}

export class GrpcClient {
  readonly #socket: Socket
  readonly #onFailed: (reason: string) => void
  readonly #first: Buffer
  readonly #waiting = new Map<number, () => void>()
  readonly #answered = new Set<number>()
  #next = 1
  #credit = 65_535
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket, path: string, onFailed: (reason: string) => void) {
    this.#socket = socket
    this.#onFailed = onFailed
    this.#first = Buffer.concat([
      Buffer.from([0x83, 0x86]),
      field(0x44, '', path),
      field(0x41, '', 'localhost'),
      field(0x5f, '', 'application/grpc'),
      field(0x40, 'te', 'trailers'),
      field(0x7a, '', 'portolan-bench'),
    ])
    const settings = Buffer.alloc(6)
    settings.writeUInt16BE(4, 0)
    settings.writeUInt32BE(WINDOW, 2)
    const window = Buffer.alloc(4)
    window.writeUInt32BE(WINDOW - 65_535)
    socket.write(
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        frame(SETTINGS, 0, 0, settings),
        frame(WINDOW_UPDATE, 0, 0, window),
      ]),
    )
    socket.on('data', chunk => this.#read(chunk))
    socket.on('close', () => onFailed('the connection was closed'))
  }

  /** `body` is a message with gRPC's frame around it. */
  call(body: Buffer, onAnswered: () => void): void {
    const stream = this.#next
    this.#next += 2
    this.#credit -= body.length
    if (this.#credit < 0) return this.#onFailed('the window for requests is used up')
    this.#waiting.set(stream, onAnswered)
    // Later requests name what the first one put into the table.
    const headers = stream === 1 ? this.#first : Buffer.from([0x83, 0x86, 0xc2, 0xc1, 0xc0, 0xbf, 0xbe])
    this.#socket.write(
      Buffer.concat([frame(HEADERS, END_HEADERS, stream, headers), frame(DATA, END_STREAM, stream, body)]),
    )
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    for (;;) {
      if (bytes.length < FRAME_HEAD) break
      const end = FRAME_HEAD + bytes.readUIntBE(0, 3)
      if (bytes.length < end) break
      this.#take(bytes[3]!, bytes[4]!, bytes.readUInt32BE(5), bytes.subarray(FRAME_HEAD, end))
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === DATA) this.#answered.add(stream)
    else if (type === HEADERS && flags & END_STREAM) {
      // An error has no message before it.
      if (!this.#answered.delete(stream)) return this.#onFailed(`call ${stream} was answered with an error`)
      const onAnswered = this.#waiting.get(stream)!
      this.#waiting.delete(stream)
      onAnswered()
    } else if (type === SETTINGS && !(flags & ACK)) this.#socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)))
    else if (type === PING && !(flags & ACK)) this.#socket.write(frame(PING, ACK, 0, payload))
    else if (type === WINDOW_UPDATE && stream === 0) this.#credit += payload.readUInt32BE(0)
    else if (type === GOAWAY) this.#onFailed('the server goes away')
  }
}
