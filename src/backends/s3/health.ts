/**
 * Asks a service now and then whether it is there: an unsigned request, which any of them answers, if only by refusing it.
 * Some failures in a row take it out, successes bring it back; what is out is still asked for what nobody else has.
 */
import { encodeRequestLines, type ResponseHead } from '../../../codecs/http1/index.ts'
import { type Endpoint, type HealthThresholds, HealthVerdict } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { HttpExchange, HttpPool } from './http/index.ts'

export interface HealthOptions extends HealthThresholds {
  /** 0 turns checks off. */
  readonly interval: number
  readonly timeout: number
}

export class HealthCheck {
  readonly #pool: HttpPool
  readonly #verdict: HealthVerdict
  readonly #lines: string
  readonly #options: HealthOptions
  readonly #clock: Clock
  #asking: HttpExchange | undefined
  #stop: (() => void) | undefined
  #cancelDeadline = (): void => {}

  constructor(pool: HttpPool, endpoint: Endpoint, host: string, options: HealthOptions, clock: Clock) {
    this.#pool = pool
    this.#verdict = new HealthVerdict(endpoint, options)
    this.#lines = encodeRequestLines('GET', '/', ['host', host, 'user-agent', 'portolan'])
    this.#options = options
    this.#clock = clock
  }

  start(): void {
    const { interval } = this.#options
    if (interval === 0) return
    this.#run()
    this.#stop = this.#clock.every(interval, () => this.#run())
  }

  stop(): void {
    this.#stop?.()
    this.#cancelDeadline()
    this.#asking?.abort()
  }

  #run(): void {
    if (this.#asking) return
    let status = 0
    this.#cancelDeadline = this.#clock.after(this.#options.timeout, () => {
      this.#asking?.abort()
      this.#result(`no answer to a health check within ${this.#options.timeout} ms`)
    })
    this.#asking = this.#pool.open(
      { method: 'GET', lines: this.#lines, body: 'none', length: 0, bytes: undefined, expectContinue: false },
      {
        onContinue() {},
        onDrain() {},
        onHead: (head: ResponseHead) => {
          status = head.status
        },
        onData: () => true,
        onEnd: () => {
          if (status < 500) this.#result(undefined)
          else this.#result(`a health check was answered with status ${status}`)
        },
        onFailed: error => this.#result(error.message),
      },
    )
  }

  #result(error: string | undefined): void {
    this.#cancelDeadline()
    this.#asking = undefined
    this.#verdict.note(error)
  }
}
