/**
 * A subscription by MQTT: a connection of its own with a session that the broker keeps over outages. A message is
 * acknowledged when it is settled, and delivered once more by whoever has the session next when it never was. A group is
 * one session, which one of its subscribers has at a time.
 */
import { randomUUID } from 'node:crypto'
import type { IPublishPacket } from 'mqtt-packet'
import type { Delivery, SubscribeOptions, SubscriptionObserver } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { type MqttConnection, TakenOver } from './mqtt-connection.ts'
import type { MqttDialer, MqttSession } from './mqtt-dialer.ts'
import { announce, HolderWatch, lastWill, renounce } from './mqtt-holder.ts'
import { errorOf } from './mqtt-reasons.ts'
import { groupSession, topicFilter } from './mqtt-topics.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
/** The broker has 16 bits for it. */
const MOST_IN_FLIGHT = 65_535

export interface SubscriptionSettings {
  readonly dialer: MqttDialer
  readonly clock: Clock
  readonly retryMs: number
  readonly keepSessionMs: number
  /** Under which the holders of groups are told. */
  readonly holders: string
}

export class MqttSubscription {
  readonly #filter: string
  readonly #group: string | undefined
  readonly #session: string
  readonly #self = randomUUID()
  readonly #maxInFlight: number
  readonly #observer: SubscriptionObserver
  readonly #settings: SubscriptionSettings
  /** Came while as many were in flight as may be; only a broker of 3.1.1 sends them. */
  #waiting: (() => void)[] = []
  #inFlight = 0
  readonly #retries = new Set<() => void>()
  #connection: MqttConnection | undefined
  #watch: HolderWatch | undefined
  #running: Promise<void> | undefined
  #delivered = 0
  #hasBegun = false
  #isOut = false
  #closed = false
  #wake = (): void => {}

  /** Throws an ApiError when MQTT has no such names. */
  constructor(
    topic: string,
    { group, maxInFlight }: SubscribeOptions,
    observer: SubscriptionObserver,
    settings: SubscriptionSettings,
  ) {
    this.#filter = topicFilter(topic)
    this.#group = group
    this.#session = group === undefined ? `portolan-${this.#self}` : groupSession(topic, group)
    this.#maxInFlight = Math.min(maxInFlight, MOST_IN_FLIGHT)
    this.#observer = observer
    this.#settings = settings
  }

  /** Resolves when the session takes what is published from now on. */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#running = this.#run(resolve, reject)
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#forget()
    const connection = this.#connection
    this.#wake()
    await Promise.all([this.#watch?.close(), connection && this.#leave(connection)])
    await this.#running
  }

  /** Never rejects. */
  async #run(onBegun: () => void, onFailed: (error: Error) => void): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!this.#closed) {
      try {
        await this.#receive(() => {
          pauseMs = FIRST_PAUSE_MS
          this.#isOut = false
          this.#hasBegun = true
          onBegun()
        })
      } catch (error) {
        if (!this.#hasBegun) return onFailed(errorOf(error))
        if (this.#closed) return
        this.#forget()
        if (error instanceof TakenOver) continue
        if (!this.#isOut) this.#observer.onOutage(errorOf(error))
        this.#isOut = true
        const { clock } = this.#settings
        await new Promise<void>(resolve => {
          const cancel = clock.after(pauseMs, resolve)
          this.#wake = () => {
            cancel()
            resolve()
          }
        })
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  /** Until the session is another's or the connection is lost, which it rejects with. */
  async #receive(onReady: () => void): Promise<void> {
    const { dialer, clock, holders } = this.#settings
    const holding = { topic: `${holders}/${this.#session}`, self: this.#self, clock }
    if (this.#group !== undefined) await this.#awaitTurn({ ...holding, dialer }, onReady)
    if (this.#closed) return
    let onEnd = (_: Error) => {}
    const ended = new Promise<never>((_, reject) => {
      onEnd = reject
    })
    ended.catch(() => {})
    const connection = await dialer.dial(this.#connect(holding.topic), {
      onMessage: (packet, connection) => {
        this.#connection = connection
        this.#take(connection, packet)
      },
      onEnd: error => onEnd(error),
    })
    this.#connection = connection
    let stop = () => {}
    try {
      await connection.subscribe(this.#filter)
      if (this.#closed) return await this.#leave(connection)
      if (this.#group !== undefined) stop = announce(connection, holding)
      onReady()
      await Promise.race([
        ended,
        new Promise<void>(resolve => {
          this.#wake = resolve
        }),
      ])
    } catch (error) {
      await connection.close()
      throw error
    } finally {
      stop()
      this.#connection = undefined
    }
  }

  async #awaitTurn(options: ConstructorParameters<typeof HolderWatch>[0], onReady: () => void): Promise<void> {
    const watch = new HolderWatch(options)
    this.#watch = watch
    try {
      // The holder's session takes the messages of all.
      if (await watch.begin()) onReady()
      if (!this.#closed) await watch.vacant()
    } finally {
      this.#watch = undefined
      await watch.close()
    }
  }

  #connect(holderTopic: string): MqttSession {
    const isGroup = this.#group !== undefined
    const sessionExpiryInterval = Math.max(1, Math.round(this.#settings.keepSessionMs / 1_000))
    return {
      clientId: this.#session,
      clean: !isGroup && !this.#hasBegun,
      ...(isGroup && { will: lastWill(holderTopic) }),
      properties: { sessionExpiryInterval, receiveMaximum: this.#maxInFlight },
    }
  }

  /** A group's session stays, with what is not settled in it. */
  async #leave(connection: MqttConnection): Promise<void> {
    if (this.#group !== undefined) {
      await renounce(connection, `${this.#settings.holders}/${this.#session}`)
      return connection.close()
    }
    // In 3.1.1 a session lasts until it is begun anew.
    if (connection.version === 4) await connection.unsubscribe(this.#filter).catch(() => {})
    await connection.close(true)
    if (connection.version !== 4) return
    const handlers = { onMessage() {}, onEnd() {} }
    const last = await this.#settings.dialer
      .dial({ clientId: this.#session, clean: true }, handlers)
      .catch(() => undefined)
    await last?.close()
  }

  #take(connection: MqttConnection, packet: IPublishPacket): void {
    const { messageId, retain, topic } = packet
    // What stands there since before the subscription (3.1.1), or is said among subscribers.
    if (retain || topic.startsWith(`${this.#settings.holders}/`)) return connection.acknowledge(messageId!)
    this.#deliver(connection, packet, packet.dup ? undefined : 1)
  }

  #deliver(connection: MqttConnection, packet: IPublishPacket, attempt: number | undefined): void {
    if (this.#inFlight >= this.#maxInFlight) {
      this.#waiting.push(() => this.#deliver(connection, packet, attempt))
      return connection.pause()
    }
    this.#inFlight++
    this.#hand(connection, packet, attempt)
  }

  #hand(connection: MqttConnection, packet: IPublishPacket, attempt: number | undefined): void {
    let isSettled = false
    this.#observer.onMessage({
      ...deliveryOf(packet),
      id: `${this.#self}/${++this.#delivered}`,
      ...(attempt !== undefined && { attempt }),
      settle: outcome => {
        if (isSettled || this.#connection !== connection) return
        isSettled = true
        if (outcome === 'retry') return this.#retryLater(connection, packet, attempt)
        if (packet.qos > 0) connection.acknowledge(packet.messageId!)
        this.#inFlight--
        this.#waiting.shift()?.()
        if (this.#waiting.length === 0) connection.resume()
      },
    })
  }

  /** It stays unacknowledged meanwhile, so that it is not lost with us. */
  #retryLater(connection: MqttConnection, packet: IPublishPacket, attempt: number | undefined): void {
    const cancel = this.#settings.clock.after(this.#settings.retryMs, () => {
      this.#retries.delete(cancel)
      if (this.#connection === connection) this.#hand(connection, packet, attempt && attempt + 1)
    })
    this.#retries.add(cancel)
  }

  /** What was delivered by the last connection is nobody's any more. */
  #forget(): void {
    for (const cancel of this.#retries) cancel()
    this.#retries.clear()
    this.#waiting = []
    this.#inFlight = 0
  }
}

function deliveryOf({ topic, payload, properties }: IPublishPacket): Omit<Delivery, 'id' | 'settle'> {
  const named = Object.entries(properties?.userProperties ?? {})
  return {
    topic,
    data: typeof payload === 'string' ? Buffer.from(payload) : payload,
    contentType: properties?.contentType ?? '',
    headers: Object.fromEntries(named.map(([name, value]) => [name, String(value)])),
  }
}
