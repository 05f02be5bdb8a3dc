/** An application that speaks HTTP: one request after the other, bounded in time and size. */
import { Agent, type IncomingMessage, request as send } from 'node:http'
import { ApiError, type AppAnswer, type AppRequest } from '../../apis/index.ts'
import type { Address } from '../../config/index.ts'
import { formatAddress } from '../../net/index.ts'

/** May be lost on a kept connection and sent again by its caller. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const VERB = /^[A-Z]{1,20}$/
/** What may stand in the first line of a request. */
const PATH = /^\/[\x21-\x7e]*$/

export class HttpApp {
  readonly #address: Address
  readonly #limits: { readonly timeoutMs: number; readonly maxBytes: number }
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: 4_000 })
  readonly #closed = new AbortController()

  constructor(address: Address, limits: { readonly timeoutMs: number; readonly maxBytes: number }) {
    this.#address = address
    this.#limits = limits
  }

  async request({ verb, path, headers, body }: AppRequest): Promise<AppAnswer> {
    if (!VERB.test(verb) || verb === 'CONNECT') throw new ApiError('invalid-argument', 'the verb is none of HTTP')
    if (!PATH.test(path)) throw new ApiError('invalid-argument', 'the path has characters that must be encoded')
    const { timeoutMs, maxBytes } = this.#limits
    const progress = { isConnected: false }
    try {
      return await new Promise<AppAnswer>((resolve, reject) => {
        const outgoing = send({
          ...('path' in this.#address ? { socketPath: this.#address.path } : this.#address),
          method: verb,
          path,
          headers: { ...headers, 'content-length': body.length },
          // The application may be closing a kept connection, and what changes something must not be sent into the unknown.
          agent: SAFE.has(verb) ? this.#agent : false,
          signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closed.signal]),
        })
        outgoing.on('socket', socket => {
          const onConnect = () => void (progress.isConnected = true)
          if (socket.connecting) socket.once('connect', onConnect)
          else onConnect()
        })
        outgoing.on('error', reject)
        outgoing.on('response', answer => void whole(answer, maxBytes).then(resolve, reject))
        outgoing.end(body)
      })
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw this.#failure(error as NodeJS.ErrnoException, progress.isConnected && !SAFE.has(verb))
    }
  }

  close(): void {
    this.#closed.abort()
    this.#agent.destroy()
  }

  #failure(error: NodeJS.ErrnoException, mayHaveRun: boolean): ApiError {
    const isLate = error.name === 'AbortError' || error.name === 'TimeoutError'
    const late = `no answer within ${this.#limits.timeoutMs} ms`
    const reason = this.#closed.signal.aborted ? 'the component was closed' : isLate ? late : error.message
    const where = formatAddress(this.#address)
    return mayHaveRun
      ? new ApiError('unknown', `the answer of the application at ${where} was lost: ${reason}`, { cause: error })
      : new ApiError('unavailable', `the application at ${where} cannot be reached: ${reason}`, { cause: error })
  }
}

async function whole(answer: IncomingMessage, maxBytes: number): Promise<AppAnswer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > maxBytes) throw new ApiError('internal', `the application answered with more than ${maxBytes} bytes`)
    parts.push(part)
  }
  const headers = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])
  return { status: answer.statusCode ?? 0, headers: Object.fromEntries(headers), body: Buffer.concat(parts) }
}
