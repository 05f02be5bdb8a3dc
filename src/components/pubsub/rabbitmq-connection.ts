/** A connection to RabbitMQ that is made again when it is lost, to one endpoint after the other, for as long as it is open. */
import type { ChannelModel } from 'amqplib'
import { ApiError } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
/** How long the broker may take to say goodbye. */
const FAREWELL_MS = 1_000

export interface ConnectionObserver<T> {
  /** What is made of each new connection before anybody gets it; rejects where the connection is no good. */
  prepare(model: ChannelModel): Promise<T>
  onUp(prepared: T): void
  /** Said for each connection that is lost, and for each attempt that failed. */
  onDown(error: Error): void
}

export class RabbitmqConnection<T> {
  readonly #dial: () => Promise<ChannelModel>
  readonly #clock: Clock
  readonly #observer: ConnectionObserver<T>
  /** The connection, or the one that is being made. Rejected while it is paused after a failure. */
  #current!: Promise<T>
  #model: ChannelModel | undefined
  #stopPause = (): void => {}
  #closed = false

  constructor(dial: () => Promise<ChannelModel>, clock: Clock, observer: ConnectionObserver<T>) {
    this.#dial = dial
    this.#clock = clock
    this.#observer = observer
    this.#connect(0)
  }

  /** Rejects with an ApiError: at once while the broker is known to be away. */
  get(timeoutMs: number): Promise<T> {
    return within(this.#current, timeoutMs, this.#clock, 'unavailable')
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopPause()
    this.#current = Promise.reject(new ApiError('unavailable', 'the component is closed'))
    this.#current.catch(() => {})
    if (this.#model) await farewell(this.#model, this.#clock)
  }

  #connect(failures: number): void {
    this.#current = this.#open()
    this.#current.then(
      prepared => !this.#closed && this.#observer.onUp(prepared),
      (error: Error) => {
        if (this.#closed) return
        this.#observer.onDown(error)
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10))
        this.#stopPause = this.#clock.after(pause, () => this.#connect(failures + 1))
      },
    )
  }

  async #open(): Promise<T> {
    const model = await this.#dial()
    let isUp = false
    let lost: Error | undefined
    model.on('error', error => (lost = error))
    model.on('close', error => {
      lost ??= error ?? new Error('the connection was closed')
      if (this.#model === model) this.#model = undefined
      if (this.#closed || !isUp) return
      this.#observer.onDown(lost)
      this.#connect(0)
    })
    this.#model = model
    try {
      if (this.#closed) throw new ApiError('unavailable', 'the component is closed')
      const prepared = await within(this.#observer.prepare(model), FAREWELL_MS * 5, this.#clock, 'unavailable')
      if (lost) throw lost
      isUp = true
      return prepared
    } catch (error) {
      await farewell(model, this.#clock)
      throw asApiError(error)
    }
  }
}

/** Never rejects. */
export async function farewell(closable: { close(): Promise<void> }, clock: Clock): Promise<void> {
  try {
    await within(closable.close(), FAREWELL_MS, clock, 'unavailable')
  } catch {
    // It is lost already, or will be.
  }
}

/** Rejects with an ApiError of that code when it takes longer. */
export function within<T>(call: Promise<T>, ms: number, clock: Clock, code: 'unavailable' | 'unknown'): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new ApiError(code, `no answer of RabbitMQ within ${ms} ms`)))
    call.then(resolve, error => reject(asApiError(error))).finally(cancel)
  })
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const { message } = error as Error
  const isDenied = /ACCESS[-_]REFUSED/.test(message)
  const text = isDenied ? `RabbitMQ refuses: ${message}` : `RabbitMQ cannot be reached: ${message}`
  return new ApiError(isDenied ? 'denied' : 'unavailable', text, { cause: error })
}
