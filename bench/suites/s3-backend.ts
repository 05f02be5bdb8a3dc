/**
 * The service of the S3 suite, a process of its own: objects that are made once, and uploads that are read and forgotten.
 * nginx would answer an upload before its body is there, or write it to the disk. It looks at no signature.
 */

import { createServer, type Socket } from 'node:net'
import { OBJECTS } from './s3-objects.ts'

const answer = (length: number) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nETag: "0123456789abcdef0123456789abcdef-1"\r\n` +
  `Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nAccept-Ranges: bytes\r\nContent-Length: ${length}\r\n\r\n`

const EMPTY = Buffer.from(answer(0), 'latin1')
const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
const ANSWERS: ReadonlyMap<string, Buffer> = new Map(
  Object.values(OBJECTS).map(({ path, bytes }) => [
    path,
    Buffer.concat([Buffer.from(answer(bytes), 'latin1'), Buffer.alloc(bytes, 'x')]),
  ]),
)

/** Reads the requests of one connection, which come one after the other. */
class Requests {
  readonly #socket: Socket
  #head = ''
  #left = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  read(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at)
        at += taken
        this.#left -= taken
        if (this.#left === 0) this.#socket.write(EMPTY)
        continue
      }
      const end = bytes.indexOf('\r\n\r\n', at)
      this.#head += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
      if (end < 0) return
      at = end + 4
      this.#begin(this.#head)
      this.#head = ''
    }
  }

  #begin(head: string): void {
    const [method, target] = head.split(' ', 2)
    this.#left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (/^expect:/im.test(head)) this.#socket.write(CONTINUE)
    if (this.#left > 0) return
    this.#socket.write((method === 'GET' && ANSWERS.get(target!.split('?', 1)[0]!)) || EMPTY)
  }
}

const server = createServer({ noDelay: true }, socket => {
  socket.on('error', () => {})
  const requests = new Requests(socket)
  socket.on('data', bytes => requests.read(bytes))
})
server.listen(Number(process.argv[2]), '127.0.0.1')
