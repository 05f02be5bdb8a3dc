/**
 * A Redis client that hides nothing: requests leave as they are given, replies are values in the order in which they
 * came, error replies are values too, pushes of RESP3 have a queue of their own. Every wait has a deadline.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { decodeReply, encodeCommand, ReplyScanner } from '../../codecs/redis/index.ts'

export type Reply = ReturnType<typeof decodeReply>
export type Argument = string | number | Uint8Array

export interface RespTarget {
  readonly port?: number
  /** A unix socket instead of a port. */
  readonly path?: string
  readonly tls?: ConnectionOptions
}

const DEADLINE_MS = 15_000
const PUSH = 62

interface Waiter {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

export class RespClient {
  readonly socket: Socket
  /** Resolves when the connection is over: 'end' for a clean end by the peer, else the code of the error. */
  readonly closed: Promise<string>
  readonly #scanner = new ReplyScanner()
  readonly #replies = new Mailbox('reply')
  readonly #pushes = new Mailbox('push')
  #bytes = Buffer.allocUnsafe(4096)
  #length = 0

  constructor(socket: Socket) {
    this.socket = socket
    let outcome = 'destroyed'
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      outcome = error.code ?? error.message
    })
    socket.on('end', () => {
      outcome = 'end'
    })
    this.closed = new Promise(resolve =>
      socket.on('close', () => {
        const error = new Error(`the connection was closed (${outcome})`)
        this.#replies.end(error)
        this.#pushes.end(error)
        resolve(outcome)
      }),
    )
  }

  static async connect(target: RespTarget): Promise<RespClient> {
    const { port = 0, path, tls } = target
    const where = path === undefined ? { port, host: '127.0.0.1' } : { path }
    const socket = tls ? connectTls({ ...where, ...tls }) : connect(where)
    const client = new RespClient(socket)
    await once(socket, tls ? 'secureConnect' : 'connect')
    socket.setNoDelay(true)
    return client
  }

  get isClosed(): boolean {
    return this.#replies.ended
  }

  /** Replies that came and nobody has asked for. */
  get unread(): number {
    return this.#replies.length
  }

  get unreadPushes(): number {
    return this.#pushes.length
  }

  /** Sends one request and waits for the next reply. */
  call(...args: readonly Argument[]): Promise<Reply> {
    this.send(...args)
    return this.next()
  }

  /** Sends a request; its reply is for `next`. */
  send(...args: readonly Argument[]): void {
    this.write(encode(args))
  }

  /** Sends requests in one write; resolves with all their replies. */
  pipeline(requests: readonly (readonly Argument[])[]): Promise<Reply[]> {
    this.write(Buffer.concat(requests.map(encode)))
    return this.take(requests.length)
  }

  /** Bytes as they are: inline requests, pieces, nonsense. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next reply; rejects when the connection ends first. */
  next(): Promise<Reply> {
    return this.#replies.take()
  }

  async take(count: number): Promise<Reply[]> {
    const replies: Reply[] = []
    while (replies.length < count) replies.push(await this.next())
    return replies
  }

  /** The next push of RESP3. */
  push(): Promise<Reply> {
    return this.#pushes.take()
  }

  /** Switches to RESP3. */
  async hello3(): Promise<this> {
    await this.call('HELLO', 3)
    return this
  }

  close(): void {
    this.socket.destroy()
  }

  #onData(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    chunk.copy(this.#bytes, this.#length)
    this.#length = length
    let position = 0
    while (position < length) {
      const end = this.#scanner.scan(this.#bytes, position, length)
      if (end < 0) break
      const reply = decodeReply(this.#bytes.subarray(position, end))
      if (this.#bytes[position] === PUSH) this.#pushes.put(reply)
      else this.#replies.put(reply)
      position = end
    }
    this.#scanner.restart()
    this.#bytes.copyWithin(0, position, length)
    this.#length = length - position
  }
}

/** What has come and was not asked for yet, or who has asked and waits. */
class Mailbox {
  readonly #what: string
  readonly #values: Reply[] = []
  readonly #waiters: Waiter[] = []
  #error: Error | null = null

  constructor(what: string) {
    this.#what = what
  }

  get length(): number {
    return this.#values.length
  }

  get ended(): boolean {
    return this.#error !== null
  }

  put(value: Reply): void {
    const waiter = this.#waiters.shift()
    if (!waiter) {
      this.#values.push(value)
      return
    }
    clearTimeout(waiter.timer)
    waiter.resolve(value)
  }

  take(): Promise<Reply> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as Reply)
    if (this.#error) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(new Error(`no ${this.#what} within ${DEADLINE_MS} ms`))
      }, DEADLINE_MS)
      const waiter = { resolve, reject, timer }
      this.#waiters.push(waiter)
    })
  }

  end(error: Error): void {
    this.#error = error
    for (const { timer, reject } of this.#waiters.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
  }
}

/** The bytes of a request. */
export const request = (...args: readonly Argument[]): Buffer => encode(args)

function encode(args: readonly Argument[]): Buffer {
  return encodeCommand(args.map(arg => (typeof arg === 'number' ? String(arg) : arg)))
}
