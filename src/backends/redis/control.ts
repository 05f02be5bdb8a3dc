/** A connection of our own beside the data path: questions are asked one after the other, values are parsed (RESP2). */
import type { Socket } from 'node:net'
import Parser from 'redis-parser'
import { encodeCommand } from '../../../codecs/redis/index.ts'
import type { Address } from '../../config/index.ts'
import { type ClientTls, connected } from '../../net/index.ts'
import { authentication } from './handshake.ts'

export interface ControlTarget {
  readonly address: Address
  readonly tls: ClientTls | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  /** For connecting and for each answer, in milliseconds. */
  readonly timeoutMs: number
}

/** What the server answered in place of a value. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
}

export class ControlConnection {
  readonly #socket: Socket
  readonly #parser: Parser
  #pending: { resolve(value: unknown): void; reject(error: Error): void } | null = null

  /** Connects; rejects with ProxyError. Authenticating is the caller's. */
  static async open(target: ControlTarget): Promise<ControlConnection> {
    const { address, tls, timeoutMs } = target
    return new ControlConnection(await connected({ address, tls, connectTimeoutMs: timeoutMs }), timeoutMs)
  }

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket
    this.#parser = new Parser({
      returnReply: reply => this.#settle(pending => pending.resolve(reply)),
      returnError: error => this.#settle(pending => pending.reject(new ControlError(error.message))),
      returnFatalError: error => this.#fail(new Error(`it does not answer as Redis does: ${error.message}`)),
    })
    socket.setTimeout(timeoutMs, () => this.#fail(new Error(`no answer within ${timeoutMs} ms`)))
    socket.on('data', (chunk: Buffer) => this.#parser.execute(chunk))
    socket.on('error', error => this.#fail(closed(error)))
    socket.on('close', () => this.#fail(closed()))
  }

  /** AUTH as configured; rejects with ControlError when refused. */
  async authenticate({ username, password }: Pick<ControlTarget, 'username' | 'password'>): Promise<void> {
    if (password !== undefined) await this.ask(authentication(username, password))
  }

  /** The answer as redis-parser gives it. Rejects with ControlError for an error reply, with Error for a lost connection. */
  ask(command: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(closed())
      this.#pending = { resolve, reject }
      this.#socket.write(encodeCommand(command))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #settle(answer: (pending: { resolve(value: unknown): void; reject(error: Error): void }) => void): void {
    const pending = this.#pending
    this.#pending = null
    if (pending) answer(pending)
  }

  #fail(error: Error): void {
    this.#socket.destroy()
    this.#settle(pending => pending.reject(error))
  }
}

function closed(cause?: Error): Error {
  return new Error('the server closed the connection instead of answering', { cause })
}
