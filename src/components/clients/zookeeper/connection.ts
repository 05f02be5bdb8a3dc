/**
 * One connection to one server, within a session: requests go out at once, answers come in their order. It pings, and
 * ends when the server says nothing for two thirds of the session's time.
 */
import type { Socket } from 'node:net'
import {
  ADD_TREE_WATCH,
  ERROR,
  encodeAuth,
  encodeCloseSession,
  encodeConnect,
  encodePing,
  encodeRequest,
  FrameScanner,
  JuteReader,
  type Operation,
  REMOVE_WATCHES,
  readConnected,
  readEvent,
  readReplyHeader,
  type Session,
  type WatchEvent,
  XID,
} from '../../../../codecs/zookeeper/index.ts'
import { ApiError } from '../../../apis/index.ts'
import type { Clock } from '../../../protocol.ts'
import { ZooKeeperError } from './failure.ts'

/** A list of children can be far longer than what a server takes in a request, 1 MiB as a rule. */
const MAX_FRAME_BYTES = 64 * 2 ** 20
/** What a server takes, unless its `jute.maxbuffer` is changed; it ends the connection for more. */
const MAX_REQUEST_BYTES = 0xfffff
/** Requests without an answer at most. */
const MAX_PENDING = 10_000
const MAX_XID = 2 ** 31 - 1

interface Pending {
  readonly xid: number
  readonly writes: boolean
  readonly what: string
  answer(reader: JuteReader): void
  reject(error: Error): void
}

export interface ConnectionListener {
  /** A watch of this connection has fired, whoever set it. */
  onEvent(event: WatchEvent): void
  /** It has ended, and its watches with it. */
  onLost(): void
}

export interface ConnectionOptions {
  readonly address: string
  readonly session: Session
  readonly lastZxid: bigint
  /** As `user:password`. */
  readonly digest: string | undefined
  readonly clock: Clock
  readonly connectTimeoutMs: number
}

export class ZooKeeperConnection {
  readonly address: string
  /** Settles when the session is there, or rejects. */
  readonly ready: Promise<Session>
  lastZxid: bigint
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #pending: Pending[] = []
  readonly #listeners = new Set<ConnectionListener>()
  /** How many watch which tree. */
  readonly #trees = new Map<string, number>()
  #xid = 0
  #phase: 'connecting' | 'authenticating' | 'open' | 'ended' = 'connecting'
  #lastHeard: number
  #onReady!: (session: Session) => void
  #onRefused!: (error: Error) => void
  #session: Session
  readonly #digest: string | undefined
  #stopPings = (): void => {}

  /** Takes a connected socket over. */
  constructor(socket: Socket, options: ConnectionOptions) {
    const { address, session, lastZxid, digest, clock, connectTimeoutMs } = options
    this.address = address
    this.#socket = socket
    this.#clock = clock
    this.#session = session
    this.#digest = digest
    this.lastZxid = lastZxid
    this.#lastHeard = clock.now()
    this.ready = new Promise((resolve, reject) => {
      this.#onReady = resolve
      this.#onRefused = reject
    })
    const scanner = new FrameScanner(MAX_FRAME_BYTES, frame => this.#onFrame(new JuteReader(frame)))
    socket.on('data', chunk => {
      this.#lastHeard = clock.now()
      try {
        scanner.write(chunk)
      } catch (error) {
        this.end(error as Error)
      }
    })
    socket.on('error', error => this.end(error))
    socket.on('close', () => this.end(new Error('the server has closed the connection')))
    const cancel = clock.after(connectTimeoutMs, () => this.end(new Error(`no session within ${connectTimeoutMs} ms`)))
    this.ready.then(cancel, cancel)
    socket.write(encodeConnect(session, lastZxid))
  }

  /** Rejects with an ApiError, a ZooKeeperError where ZooKeeper has answered so. */
  call<Request, Result>(operation: Operation<Request, Result>, request: Request, timeoutMs: number): Promise<Result> {
    if (this.#phase !== 'open')
      return Promise.reject(new ApiError('unavailable', `ZooKeeper at ${this.address} is lost`))
    if (this.#pending.length >= MAX_PENDING) return Promise.reject(new ApiError('exhausted', 'too many requests wait'))
    const xid = this.#xid === MAX_XID ? 1 : this.#xid + 1
    const bytes = encodeRequest(xid, operation, request)
    if (bytes.length > MAX_REQUEST_BYTES)
      return Promise.reject(new ApiError('invalid-argument', 'a request to ZooKeeper has at most 1 MiB'))
    this.#xid = xid
    return new Promise((resolve, reject) => {
      // Answers have an order: one that does not come keeps all behind it from coming.
      const cancel = this.#clock.after(timeoutMs, () => this.end(new Error(`no answer within ${timeoutMs} ms`)))
      this.#pending.push({
        xid,
        writes: operation.writes,
        what: pathIn(request),
        answer(reader) {
          cancel()
          try {
            resolve(operation.decode(reader))
          } catch (error) {
            reject(new ApiError('internal', (error as Error).message, { cause: error }))
            throw error
          }
        },
        reject(error) {
          cancel()
          reject(error)
        },
      })
      this.#socket.write(bytes)
    })
  }

  /** Returns how to stop listening. */
  listen(listener: ConnectionListener): () => void {
    if (this.#phase === 'ended') queueMicrotask(() => listener.onLost())
    else this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Events of the node and of all below it from now on. Resolves with how to end that. */
  async watchTree(root: string, timeoutMs: number): Promise<() => void> {
    // The server has one watch for all who watch the same.
    this.#trees.set(root, (this.#trees.get(root) ?? 0) + 1)
    const end = (): void => {
      const left = this.#trees.get(root)! - 1
      if (left > 0) return void this.#trees.set(root, left)
      this.#trees.delete(root)
      this.call(REMOVE_WATCHES, root, timeoutMs).catch(() => {})
    }
    try {
      await this.call(ADD_TREE_WATCH, root, timeoutMs)
      return end
    } catch (error) {
      end()
      throw error
    }
  }

  /** Ends the session too. */
  closeSession(): void {
    if (this.#phase === 'open') this.#socket.end(encodeCloseSession(0))
    this.end(new Error('the component is closed'))
  }

  end(error: Error): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#stopPings()
    // The end of the session still leaves.
    if (this.#socket.writableEnded) this.#socket.destroySoon()
    else this.#socket.destroy()
    this.#onRefused(error)
    for (const { writes, reject } of this.#pending.splice(0)) {
      const text = `${error.message} (${this.address})`
      if (writes) reject(new ApiError('unknown', `the answer of ZooKeeper was lost: ${text}`, { cause: error }))
      else reject(new ApiError('unavailable', `ZooKeeper cannot be reached: ${text}`, { cause: error }))
    }
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener.onLost()
  }

  #onFrame(reader: JuteReader): void {
    if (this.#phase === 'ended') return
    if (this.#phase === 'connecting') return this.#onConnected(readConnected(reader))
    const { xid, zxid, error } = readReplyHeader(reader)
    if (zxid > this.lastZxid) this.lastZxid = zxid
    if (xid === XID.event) return this.#onEvent(readEvent(reader))
    if (xid === XID.ping) return
    if (xid === XID.auth) return this.#onAuthenticated(error)
    const pending = this.#pending.shift()
    if (pending?.xid !== xid) {
      // Too late to say what became of it.
      pending?.reject(new ApiError('unknown', 'ZooKeeper has answered out of order'))
      return this.end(new Error('an answer that was not asked for'))
    }
    if (error !== 0) return pending.reject(new ZooKeeperError(error, pending.what))
    pending.answer(reader)
  }

  #onConnected(session: Session): void {
    if (session.timeoutMs <= 0) return this.end(new ZooKeeperError(ERROR.sessionExpired, this.address))
    this.#session = session
    const everyMs = Math.max(50, session.timeoutMs / 3)
    this.#stopPings = this.#clock.every(everyMs, () => {
      if (this.#clock.now() - this.#lastHeard > 2 * everyMs) return this.end(new Error('it has stopped answering'))
      this.#socket.write(encodePing())
    })
    if (this.#digest === undefined) return this.#open()
    this.#phase = 'authenticating'
    this.#socket.write(encodeAuth('digest', this.#digest))
  }

  #onAuthenticated(error: number): void {
    if (error !== 0) return this.end(new ZooKeeperError(error, this.address))
    if (this.#phase === 'authenticating') this.#open()
  }

  #open(): void {
    this.#phase = 'open'
    this.#onReady(this.#session)
  }

  #onEvent(event: WatchEvent): void {
    for (const listener of [...this.#listeners]) listener.onEvent(event)
  }
}

/** What a request is about, for the text of an error. */
function pathIn(request: unknown): string {
  if (typeof request === 'string') return request
  return (request as { readonly path?: string }).path ?? 'a transaction'
}
