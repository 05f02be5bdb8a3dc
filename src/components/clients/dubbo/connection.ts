/** One connection to a provider, kept and shared: answers are told apart by the id of their request. */
import type { Socket } from 'node:net'
import {
  type DubboHeader,
  DubboScanner,
  encodeFrame,
  encodeHeartbeat,
  encodeHeartbeatAnswer,
  HESSIAN2,
  isReadOnly,
} from '../../../../codecs/dubbo/index.ts'
import { ApiError } from '../../../apis/index.ts'
import type { Clock } from '../../../protocol.ts'

/** Requests without an answer at most. */
const MAX_PENDING = 10_000
/** A provider that says nothing for so many intervals is given up. */
const SILENT_INTERVALS = 3

export interface DubboConnectionOptions {
  /** For errors. */
  readonly where: string
  readonly clock: Clock
  readonly heartbeatMs: number
  /** Of an answer; providers have a limit of their own for requests, 8 MiB as a rule. */
  readonly maxBodyBytes: number
}

export interface DubboAnswer {
  readonly status: number
  readonly body: Buffer
}

interface Pending {
  resolve(answer: DubboAnswer): void
  reject(error: Error): void
}

export class DubboConnection {
  readonly #socket: Socket
  readonly #options: DubboConnectionOptions
  readonly #pending = new Map<bigint, Pending>()
  readonly #stopHeartbeats: () => void
  #id = 0n
  #lastHeard: number
  #readOnly = false
  #ended = false

  /** Takes a connected socket over. */
  constructor(socket: Socket, options: DubboConnectionOptions) {
    const { clock, heartbeatMs, maxBodyBytes } = options
    this.#socket = socket
    this.#options = options
    this.#lastHeard = clock.now()
    const scanner = new DubboScanner(maxBodyBytes, (header, body) => this.#onMessage(header, body))
    socket.on('data', chunk => {
      this.#lastHeard = clock.now()
      try {
        scanner.write(chunk)
      } catch (error) {
        this.end((error as Error).message)
      }
    })
    socket.on('error', error => this.end(error.message))
    socket.on('close', () => this.end('the provider has closed the connection'))
    this.#stopHeartbeats = clock.every(heartbeatMs, () => {
      if (clock.now() - this.#lastHeard >= SILENT_INTERVALS * heartbeatMs) return this.end('it has stopped answering')
      socket.write(encodeHeartbeat(this.#nextId()))
    })
    socket.setNoDelay(true)
  }

  /** Whether new requests may go out. */
  get isOpen(): boolean {
    return !this.#ended && !this.#readOnly
  }

  /** Whether answers are to come. */
  get isWaiting(): boolean {
    return this.#pending.size > 0
  }

  /** Rejects with `unknown` when nobody knows what became of it. */
  send(body: Buffer, timeoutMs: number): Promise<DubboAnswer> {
    return this.#exchange(timeoutMs, id =>
      encodeFrame({ isRequest: true, isTwoWay: true, isEvent: false, serialization: HESSIAN2, status: 0, id }, body),
    )
  }

  /** Asks whether the provider is there. */
  async heartbeat(timeoutMs: number): Promise<void> {
    try {
      await this.#exchange(timeoutMs, encodeHeartbeat)
    } catch (error) {
      throw new ApiError('unavailable', (error as Error).message, { cause: error })
    }
  }

  end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#stopHeartbeats()
    this.#socket.destroy()
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(this.#lost(reason))
  }

  #exchange(timeoutMs: number, encode: (id: bigint) => Buffer): Promise<DubboAnswer> {
    if (!this.isOpen) {
      return Promise.reject(new ApiError('unavailable', `the provider at ${this.#options.where} has gone`))
    }
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(new ApiError('exhausted', 'too many calls wait'))
    const id = this.#nextId()
    return new Promise((resolve, reject) => {
      const over = (): void => {
        cancel()
        this.#pending.delete(id)
        if (this.#readOnly && this.#pending.size === 0) this.end('the provider takes no more requests')
      }
      const cancel = this.#options.clock.after(timeoutMs, () => {
        over()
        reject(this.#lost(`no answer within ${Math.ceil(timeoutMs)} ms`))
      })
      this.#pending.set(id, {
        resolve(answer) {
          over()
          resolve(answer)
        },
        reject(error) {
          cancel()
          reject(error)
        },
      })
      this.#socket.write(encode(id))
    })
  }

  #lost(reason: string): ApiError {
    return new ApiError('unknown', `the answer of the provider at ${this.#options.where} was lost: ${reason}`)
  }

  #nextId(): bigint {
    return ++this.#id
  }

  #onMessage(header: DubboHeader, body: Buffer): void {
    if (this.#ended) return
    if (!header.isRequest) {
      // One that nobody waits for any more came too late.
      this.#pending.get(header.id)?.resolve({ status: header.status, body: Buffer.from(body) })
      return
    }
    if (isReadOnly(header, body)) {
      this.#readOnly = true
      if (this.#pending.size === 0) this.end('the provider takes no more requests')
      return
    }
    if (header.isEvent && header.isTwoWay) this.#socket.write(encodeHeartbeatAnswer(header))
  }
}
