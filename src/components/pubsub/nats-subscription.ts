/**
 * A subscription in JetStream: pulls as many messages as may still be unsettled, tells the server that those which take
 * long are worked on, and goes on over another connection when one is lost. What was unsettled then is given back.
 */
import type { Msg, Subscription } from '@nats-io/transport-node'
import { ApiError, type SubscriptionObserver } from '../../apis/index.ts'
import { apiError, type DeliveryInfo, type NatsSession, parseDeliveryInfo } from '../clients/nats/index.ts'
import { readHeaders } from './nats-headers.ts'
import type { NatsStream } from './nats-stream.ts'
import { topicOf } from './nats-topics.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
const NANOS = 1e6
/** How long the server keeps a pull, and how often it says that it still does. */
const PULL_MS = 30_000
const HEARTBEAT_MS = 2_000
const LOST_AFTER_MS = 3 * HEARTBEAT_MS

/** What a consumer is told of a delivery. */
const ACK = '+ACK'
const NAK = '-NAK'
const TERM = '+TERM'
const WORKING = '+WPI'

/** The server's words in place of a message. */
const STATUS = { heartbeat: 100, nothing: 404, timeout: 408 } as const

export interface SubscriptionSettings {
  readonly stream: NatsStream
  readonly consumer: string
  readonly maxInFlight: number
  readonly retryMs: number
  /** Makes the consumer when it does not exist, from that message on if it can; tells the last one that it has delivered. */
  ensure(session: NatsSession, startAt: number | undefined): Promise<number>
  /** Once nobody subscribes any more. */
  leave(session: NatsSession): Promise<unknown>
}

export class NatsSubscription {
  readonly #observer: SubscriptionObserver
  readonly #settings: SubscriptionSettings
  /** Sequences of what was delivered over the present connection and is not settled, by where it is acknowledged. */
  #unsettled = new Map<string, number>()
  /** Where to go on if the consumer is lost. */
  #next: number | undefined
  #session: NatsSession | undefined
  #pulling: Subscription | undefined
  /** Messages that the present pull may still bring. */
  #expected = 0
  #cancelSilence = (): void => {}
  #stopKeeping = (): void => {}
  #wake = (): void => {}
  #isOut = false
  #closed = false

  constructor(observer: SubscriptionObserver, settings: SubscriptionSettings) {
    this.#observer = observer
    this.#settings = settings
  }

  /** Resolves when what is published from now on will be delivered. */
  async begin(): Promise<void> {
    const session = await this.#attach([])
    const { clock } = this.#settings.stream.client
    this.#stopKeeping = clock.every(this.#settings.stream.options.ackWait / 3, () => {
      for (const reply of this.#unsettled.keys()) this.#tell(reply, WORKING)
    })
    void this.#run(session)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopKeeping()
    this.#cancelSilence()
    this.#wake()
    const { client } = this.#settings.stream
    const session = this.#session
    const pulling = this.#pulling
    if (!session) return
    const left = async (): Promise<void> => {
      // What is on its way comes before this is over, and is given back.
      await pulling?.drain()
      for (const reply of this.#unsettled.keys()) this.#tell(reply, NAK)
      this.#forget()
      await session.connection.flush()
      await this.#settings.leave(session)
    }
    // Without the server it is left all the same, only later.
    if (!session.connection.isClosed()) await client.call(left, true).catch(() => {})
    this.#forget()
  }

  /** Never rejects. */
  async #run(first: NatsSession): Promise<void> {
    let session: NatsSession | undefined = first
    let pauseMs = FIRST_PAUSE_MS
    let stale: readonly string[] = []
    while (!this.#closed) {
      try {
        session ??= await this.#attach(stale)
        stale = []
        pauseMs = FIRST_PAUSE_MS
        await this.#pullFrom(session)
      } catch (error) {
        if (this.#closed) return
        session = undefined
        stale = [...stale, ...this.#unsettled.keys()]
        this.#forget()
        this.#lost(error)
        await this.#pause(pauseMs)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  /** `stale`: what was delivered over a connection that is lost, and will be settled by nobody. */
  async #attach(stale: readonly string[]): Promise<NatsSession> {
    const { stream, ensure } = this.#settings
    const session = await stream.client.session()
    const delivered = await stream.client.call(() => ensure(session, this.#next), true)
    this.#next ??= delivered + 1
    for (const reply of stale) session.connection.publish(reply, NAK)
    this.#isOut = false
    this.#session = session
    return session
  }

  /** Rejects when it cannot go on; resolves when it is closed. */
  async #pullFrom(session: NatsSession): Promise<void> {
    const { stream, consumer } = this.#settings
    const { client } = stream
    let forget = (): void => {}
    await new Promise<void>((resolve, reject) => {
      if (this.#closed) return resolve()
      const lose = (why: string): void => reject(new ApiError('unavailable', `the consumer ${consumer}: ${why}`))
      const inbox = client.inbox()
      const listen = (): void => {
        this.#cancelSilence()
        if (this.#expected === 0) return
        const silent = () => lose(`nothing was heard of it for ${LOST_AFTER_MS} ms`)
        this.#cancelSilence = client.clock.after(LOST_AFTER_MS, silent)
      }
      const pull = (): void => {
        if (this.#closed) return resolve()
        const batch = this.#settings.maxInFlight - this.#unsettled.size
        if (this.#expected > 0 || batch <= 0 || session.connection.isClosed()) return
        this.#expected = batch
        const request = { batch, expires: PULL_MS * NANOS, idle_heartbeat: HEARTBEAT_MS * NANOS }
        const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${consumer}`
        session.connection.publish(subject, JSON.stringify(request), { reply: inbox })
        listen()
      }
      this.#expected = 0
      this.#wake = pull
      forget = session.onLost(() => lose('the connection was lost'))
      this.#pulling = session.connection.subscribe(inbox, {
        callback: (error, message) => {
          if (error) return reject(error)
          const info = parseDeliveryInfo(message.reply)
          if (info) {
            this.#expected--
            this.#deliver(message, info)
          } else {
            const { code, description } = message.headers ?? { code: 0, description: '' }
            if (code === STATUS.nothing || code === STATUS.timeout) this.#expected = 0
            else if (code !== STATUS.heartbeat) lose(`${code} ${description}`)
          }
          listen()
          pull()
        },
      })
      pull()
    }).finally(() => {
      forget()
      this.#cancelSilence()
      if (!this.#closed && !session.connection.isClosed()) this.#pulling?.unsubscribe()
    })
  }

  #deliver(message: Msg, info: DeliveryInfo): void {
    const reply = message.reply!
    const unsettled = this.#unsettled
    unsettled.set(reply, info.sequence)
    this.#next = Math.max(this.#next ?? 0, info.sequence + 1)
    if (this.#closed) return
    const { data, headers, subject } = message
    this.#observer.onMessage({
      id: `${info.sequence}/${info.attempt}`,
      topic: topicOf(this.#settings.stream.options.prefix, subject),
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      ...readHeaders(headers),
      attempt: info.attempt,
      settle: outcome => {
        if (unsettled !== this.#unsettled || this.#closed || !unsettled.delete(reply)) return
        if (outcome === 'ack') this.#tell(reply, ACK)
        else if (outcome === 'drop') this.#tell(reply, TERM)
        else this.#tell(reply, `${NAK} ${JSON.stringify({ delay: this.#settings.retryMs * NANOS })}`)
        this.#wake()
      },
    })
  }

  #tell(reply: string, word: string): void {
    const { connection } = this.#session!
    if (!connection.isClosed()) connection.publish(reply, word)
  }

  #lost(error: unknown): void {
    if (this.#isOut) return
    this.#isOut = true
    this.#observer.onOutage(apiError(error, true))
  }

  #forget(): void {
    // A consumer that is made anew begins with what was unsettled.
    for (const sequence of this.#unsettled.values()) this.#next = Math.min(this.#next ?? sequence, sequence)
    this.#unsettled = new Map()
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#settings.stream.client.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
