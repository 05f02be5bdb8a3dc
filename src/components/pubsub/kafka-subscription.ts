/** A subscription in Kafka over all its sessions: what is delivered to the subscriber, and how it is settled. */
import type { Delivery, PubSubSubscription, SubscribeOptions, SubscriptionObserver } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { farewell, type KafkaClients } from './kafka-clients.ts'
import { asApiError } from './kafka-errors.ts'
import { groupId } from './kafka-names.ts'
import type { Entry, KafkaPartition } from './kafka-partition.ts'
import { KafkaSession } from './kafka-session.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
const EARLIEST = -2n
const LATEST = -1n

export interface SubscriptionSettings {
  readonly clients: KafkaClients
  readonly clock: Clock
  readonly retryMs: number
  /** A broker was lost; others who use it may not have noticed yet. */
  readonly onOutage: () => void
}

export class KafkaSubscription implements PubSubSubscription {
  readonly #topic: string
  readonly #options: SubscribeOptions
  readonly #group: string | undefined
  readonly #observer: SubscriptionObserver
  readonly #settings: SubscriptionSettings
  /** Without a group: where each partition goes on. */
  readonly #positions = new Map<number, bigint>()
  #session: KafkaSession | undefined
  #running: Promise<void> = Promise.resolve()
  #isPumping = false
  #isOut = false
  #stopPause = (): void => {}
  #closed = false

  constructor(
    topic: string,
    options: SubscribeOptions,
    observer: SubscriptionObserver,
    settings: SubscriptionSettings,
  ) {
    this.#topic = topic
    this.#options = options
    this.#group = options.group === undefined ? undefined : groupId(options.group, topic)
    this.#observer = observer
    this.#settings = settings
  }

  /** Resolves when it is settled where the subscription begins: what is published from then on is delivered. */
  async begin(): Promise<void> {
    const { clients } = this.#settings
    const topic = this.#topic
    const client = clients.fetcher(this.#group ?? topic)
    try {
      client.topics.track(topic)
      const { leaders } = await clients.topic(client, topic, true)
      const partitions = leaders.map((_, number) => number)
      await clients.patiently(async () => {
        if (this.#group !== undefined) {
          const kept = await client.listCommittedOffsets({ topics: [{ topic, partitions }] })
          if (kept.get(topic)?.some(offset => offset >= 0n)) return true
        }
        const timestamp = this.#group !== undefined && this.#options.from === 'earliest' ? EARLIEST : LATEST
        const offsets = (await client.listOffsets({ topics: [topic], timestamp })).get(topic)!
        if (this.#group === undefined) offsets.forEach((offset, number) => void this.#positions.set(number, offset))
        else {
          // As one that is no member; refused once there are some, who have done it by then.
          client.generationId = -1
          client.memberId = ''
          const all = offsets.map((offset, partition) => ({ topic, partition, offset, leaderEpoch: -1 }))
          await client.commit({ offsets: all })
        }
        return true
      })
    } finally {
      client.memberId = null
      void farewell(client, this.#settings.clock)
    }
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopPause()
    await this.#session?.close(true)
    await this.#running
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    let failures = 0
    let memberId: string | null = null
    while (!this.#closed) {
      const { clients, clock } = this.#settings
      const session = new KafkaSession({
        topic: this.#topic,
        group: this.#group,
        memberId,
        maxInFlight: this.#options.maxInFlight,
        clients,
        clock,
        positions: this.#positions,
        onRecords: () => this.#pump(),
      })
      this.#session = session
      try {
        await Promise.race([session.open(), session.ended])
        this.#isOut = false
        failures = 0
        await session.ended
      } catch (error) {
        failures++
        this.#lost(error)
      }
      for (const { number, firstOpen } of session.partitions) this.#positions.set(number, firstOpen)
      // As the same member, which it takes up again, it need not wait until the brokers have given up the one before.
      memberId = session.memberId ?? memberId
      await session.close(false)
      if (failures > 0) await this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10)))
    }
  }

  #lost(error: unknown): void {
    if (this.#isOut || this.#closed) return
    this.#isOut = true
    this.#settings.onOutage()
    this.#observer.onOutage(asApiError(error))
  }

  async #pause(ms: number): Promise<void> {
    if (this.#closed) return
    await new Promise<void>(resolve => {
      const cancel = this.#settings.clock.after(ms, resolve)
      this.#stopPause = () => {
        cancel()
        resolve()
      }
    })
  }

  /** Delivers what there is room for, of each partition in turn. */
  #pump(): void {
    // A subscriber may settle at once.
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      for (let delivered = true; delivered; ) {
        delivered = false
        for (const partition of this.#session?.partitions ?? []) {
          if (this.#closed || this.#inFlight >= this.#options.maxInFlight) return
          const entry = partition.isLost ? undefined : partition.next()
          if (!entry) continue
          delivered = true
          this.#observer.onMessage(this.#delivery(partition, entry))
        }
      }
    } finally {
      this.#isPumping = false
    }
  }

  get #inFlight(): number {
    let sum = 0
    for (const { inFlight } of this.#session?.partitions ?? []) sum += inFlight
    return sum
  }

  #delivery(partition: KafkaPartition, entry: Entry): Delivery {
    const { offset, attempts, ...message } = entry
    const session = this.#session
    return {
      ...message,
      id: `${this.#topic}/${partition.number}/${offset}`,
      topic: this.#topic,
      attempt: attempts,
      settle: outcome => {
        // Somebody else's by now, or settled before.
        if (partition.isLost || entry.attempts !== attempts || !partition.settle(entry)) return
        if (outcome === 'retry') {
          this.#settings.clock.after(this.#settings.retryMs, () => {
            if (partition.isLost) return
            partition.putBack(entry)
            this.#pump()
          })
        } else {
          partition.done(entry)
          session?.commitSoon()
        }
        this.#pump()
        session?.wake()
      },
    }
  }
}
