/**
 * A subscription to a stream: reads on a connection of its own as long as more may be unsettled, and begins again on
 * another one when that is lost. Acknowledgements go the way of all commands. One that is lost is not repeated: what
 * nobody renews is delivered again.
 */
import { ApiError, type SubscriptionObserver } from '../../apis/index.ts'
import { ExclusiveConnection, type RedisClient } from '../clients/redis/index.ts'
import type { Entry } from './redis-entries.ts'
import type { StreamReader } from './redis-reader.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
/** How often what others have left is looked for. */
const CLAIM_EVERY_MS = 1_000
const MOST_IN_FLIGHT = 10_000

export interface SubscriptionSettings {
  readonly client: RedisClient
  readonly topic: string
  readonly maxInFlight: number
  readonly retryMs: number
  readonly keepEveryMs: number
}

export class RedisSubscription {
  readonly #reader: StreamReader
  readonly #observer: SubscriptionObserver
  readonly #settings: SubscriptionSettings
  readonly #maxInFlight: number
  /** What was delivered since the last outage and is not settled; replaced by each, so that late answers are known as such. */
  #unsettled = new Map<string, object>()
  readonly #retries = new Set<() => void>()
  #connection: ExclusiveConnection | undefined
  #running: Promise<void> | undefined
  /** Goes on with what the loop waits for. */
  #wake = (): void => {}
  #stopKeeping = (): void => {}
  #claimedAt = Number.NEGATIVE_INFINITY
  #isOut = false
  #closed = false

  constructor(reader: StreamReader, observer: SubscriptionObserver, settings: SubscriptionSettings) {
    this.#reader = reader
    this.#observer = observer
    this.#settings = settings
    this.#maxInFlight = Math.min(settings.maxInFlight, MOST_IN_FLIGHT)
  }

  /** Resolves when what is published from now on will be delivered; rejects with an ApiError when it never will. */
  async begin(): Promise<void> {
    await this.#reader.begin()
    const { client, keepEveryMs } = this.#settings
    this.#stopKeeping = client.clock.every(keepEveryMs, () => void this.#keep())
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopKeeping()
    this.#forget()
    this.#connection?.discard()
    this.#wake()
    await this.#running
    // Without the server it is left all the same, only later.
    await this.#reader.leave().catch(() => {})
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    for (let isFirst = true; !this.#closed; isFirst = false) {
      try {
        if (!isFirst) await this.#reader.begin()
        await this.#readAll(() => {
          pauseMs = FIRST_PAUSE_MS
          this.#isOut = false
        })
      } catch (error) {
        if (this.#closed) return
        this.#lost(error as Error)
        await this.#wait(pauseMs)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  /** Rejects with the reason when it cannot go on. */
  async #readAll(onRead: () => void): Promise<void> {
    try {
      while (!this.#closed) {
        const connection = await this.#connect()
        if (this.#closed) return
        const room = this.#maxInFlight - this.#unsettled.size
        if (room <= 0) {
          await this.#wait()
          continue
        }
        const left = await this.#claim(room)
        if (left.length > 0) await this.#deliver(left)
        else await this.#deliver(await this.#reader.read(connection, room))
        onRead()
      }
    } finally {
      this.#connection?.discard()
      this.#connection = undefined
    }
  }

  /** The connection; another one once a reload has replaced the backend. */
  async #connect(): Promise<ExclusiveConnection> {
    const { client, topic } = this.#settings
    const { backend } = client
    const known = this.#connection
    if (known && !known.open) throw new ApiError('unavailable', `the connection that ${topic} is read on is lost`)
    if (known?.backend === backend) return known
    this.#connection = undefined
    known?.release()
    const connection = await ExclusiveConnection.acquire(backend, client.clock)
    this.#connection = connection
    connection.onLost = () => this.#wake()
    return connection
  }

  async #claim(room: number): Promise<readonly Entry[]> {
    const now = this.#settings.client.clock.now()
    if (now - this.#claimedAt < CLAIM_EVERY_MS) return []
    const left = await this.#reader.claim(room)
    // There may be more of them.
    if (left.length === 0) this.#claimedAt = now
    return left
  }

  async #deliver(entries: readonly Entry[]): Promise<void> {
    // By the server's clock, which the ids are taken from.
    const mortal = entries.some(({ until }) => until !== undefined)
    const now = mortal ? await this.#serverTime() : 0
    for (const entry of entries) {
      if (entry.until === undefined || entry.until >= now) this.#hand(entry)
      else this.#finish(entry.id)
    }
  }

  #hand({ id, message, attempt }: Entry): void {
    if (this.#closed) return
    const mark = {}
    const unsettled = this.#unsettled
    unsettled.set(id, mark)
    this.#observer.onMessage({
      id: `${id}/${attempt}`,
      topic: this.#settings.topic,
      ...message,
      attempt,
      settle: outcome => {
        if (unsettled !== this.#unsettled || unsettled.get(id) !== mark) return
        // Nobody may settle it once more.
        unsettled.set(id, {})
        if (outcome === 'retry') return this.#retryLater(id)
        this.#finish(id)
      },
    })
  }

  /** It is to be delivered to nobody any more. */
  #finish(id: string): void {
    this.#reader.acknowledge(id).catch(() => {})
    this.#done(id)
  }

  /** It is our affair no longer. */
  #done(id: string): void {
    this.#unsettled.delete(id)
    this.#wake()
  }

  #retryLater(id: string): void {
    const { client, retryMs } = this.#settings
    const unsettled = this.#unsettled
    const cancel = client.clock.after(retryMs, async () => {
      this.#retries.delete(cancel)
      const entry = await this.#reader.again(id).catch(() => undefined)
      if (unsettled !== this.#unsettled || this.#closed) return
      if (entry) await this.#deliver([entry]).catch(() => this.#done(id))
      else this.#done(id)
    })
    this.#retries.add(cancel)
  }

  async #keep(): Promise<void> {
    const unsettled = this.#unsettled
    if (unsettled.size === 0) return
    const lost = await this.#reader.keep([...unsettled.keys()]).catch(() => [])
    if (unsettled === this.#unsettled) for (const id of lost) this.#done(id)
  }

  #lost(error: Error): void {
    this.#forget()
    this.#claimedAt = Number.NEGATIVE_INFINITY
    if (this.#isOut) return
    this.#isOut = true
    this.#observer.onOutage(error)
  }

  #forget(): void {
    this.#unsettled = new Map()
    for (const cancel of this.#retries) cancel()
    this.#retries.clear()
  }

  async #serverTime(): Promise<number> {
    const [seconds, micros] = (await this.#settings.client.read(['TIME'])) as [string, string]
    return Number(seconds) * 1_000 + Number(micros) / 1_000
  }

  /** Until something has changed, or for so long. */
  #wait(ms?: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = ms === undefined ? () => {} : this.#settings.client.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
