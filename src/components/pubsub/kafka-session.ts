/**
 * A subscription's time with its brokers, until something goes wrong: partitions are assigned (all, without a group), fetched,
 * and the offsets of what is done are committed. It knows no repair; after a failure another session begins.
 */
import type { Consumer } from '@platformatic/kafka'
import type { Clock } from '../../protocol.ts'
import { farewell, type KafkaClients, type Topic, vanish, within } from './kafka-clients.ts'
import { asApiError } from './kafka-errors.ts'
import { KafkaPartition } from './kafka-partition.ts'

/** How long a broker keeps a request for messages that are not there yet. */
const FETCH_WAIT_MS = 500
const MAX_FETCH_BYTES = 8 * 1024 * 1024
const COMMIT_AFTER_MS = 100
/** From one look for further partitions of the topic to the next. */
const LOOK_MS = 10_000
const LAST_COMMIT_MS = 2_000
const EARLIEST = -2n
const LATEST = -1n

export interface SessionSettings {
  readonly topic: string
  /** Kafka's; undefined: no group, and no offsets are kept. */
  readonly group: string | undefined
  /** What the brokers know the subscriber by from the session before. */
  readonly memberId: string | null
  readonly maxInFlight: number
  readonly clients: KafkaClients
  readonly clock: Clock
  /** Without a group: where each partition begins. */
  readonly positions: ReadonlyMap<number, bigint>
  /** There is something to deliver, or room for it. */
  readonly onRecords: () => void
}

export class KafkaSession {
  partitions: readonly KafkaPartition[] = []
  /** Rejects when the session has failed; resolves when it is to begin anew for another reason. */
  readonly ended: Promise<void>
  readonly #settings: SessionSettings
  readonly #fetcher: Consumer
  readonly #member: Consumer | undefined
  readonly #wakes = new Set<() => void>()
  #end!: (error?: unknown) => void
  /** While the session is under way. */
  memberId: string | null = null
  /** Counts assignments. */
  #turn = 0
  /** The group is between two assignments. */
  #isMoving = false
  #commitIsDue = false
  #committing: Promise<void> = Promise.resolve()
  #stopLooking = (): void => {}
  #isOver = false

  constructor(settings: SessionSettings) {
    const { clients, group, topic } = settings
    this.#settings = settings
    this.ended = new Promise((resolve, reject) => {
      this.#end = error => (error === undefined ? resolve() : reject(asApiError(error)))
    })
    this.ended.catch(() => {})
    this.#fetcher = clients.fetcher(group ?? topic)
    this.#fetcher.topics.track(topic)
    if (group === undefined) return
    this.#member = clients.member(group)
    this.#member.topics.track(topic)
    this.#member.memberId = settings.memberId
    this.#member.on('error', error => this.#end(error))
    this.#member.on('consumer:heartbeat:error', ({ error }) => this.#end(error))
    this.#member.on('consumer:group:rebalance', () => void (this.#isMoving = true))
  }

  /** Resolves when messages come. */
  async open(): Promise<void> {
    const { topic, clients, clock } = this.#settings
    const { leaders } = await clients.topic(this.#fetcher, topic, true)
    const all = leaders.map((_, number) => number)
    if (this.#member) await this.#join(this.#member)
    else await this.#assign(all)
    if (!this.#isOver) this.#stopLooking = clock.every(LOOK_MS, () => void this.#look(all.length))
  }

  /** Something was delivered or settled, so that there may be room for more. */
  wake(): void {
    for (const wake of this.#wakes) wake()
    this.#wakes.clear()
  }

  commitSoon(): void {
    if (!this.#member || this.#commitIsDue || this.#isOver) return
    this.#commitIsDue = true
    this.#settings.clock.after(COMMIT_AFTER_MS, () => {
      this.#commitIsDue = false
      if (!this.#isOver) void this.#commit()
    })
  }

  /** Never rejects. What is unsettled is lost to this session. Who leaves lets others have the partitions at once. */
  async close(leaves: boolean): Promise<void> {
    const { clock } = this.#settings
    const partitions = this.partitions
    this.#isOver = true
    this.#turn++
    this.#stopLooking()
    this.wake()
    await within(this.#commit(), LAST_COMMIT_MS, clock).catch(() => {})
    for (const partition of partitions) partition.isLost = true
    this.#end()
    if (this.#member) await (leaves ? farewell : vanish)(this.#member, clock)
    await farewell(this.#fetcher, clock)
  }

  async #join(member: Consumer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      member.on('consumer:group:join', ({ memberId, assignments = [] }) => {
        if (memberId !== this.memberId) this.#lose(this.partitions)
        this.memberId = memberId
        this.#isMoving = false
        const { topic } = this.#settings
        const numbers = assignments.flatMap(each => (each.topic === topic ? each.partitions : []))
        this.#assign(numbers).then(resolve, error => {
          this.#end(error)
          reject(error)
        })
      })
      member.joinGroup({}).catch(reject)
    })
  }

  async #assign(numbers: readonly number[]): Promise<void> {
    const turn = ++this.#turn
    const { clients, topic, maxInFlight, onRecords } = this.#settings
    const kept = this.partitions.filter(({ number, isLost }) => !isLost && numbers.includes(number))
    this.#lose(this.partitions.filter(each => !kept.includes(each)))
    this.partitions = kept
    const gained = numbers.filter(number => kept.every(each => each.number !== number))
    const starts = await this.#starts(gained)
    const known = await clients.topic(this.#fetcher, topic)
    if (turn !== this.#turn) return
    this.partitions = [...kept, ...gained.map((number, i) => new KafkaPartition(number, starts[i]!, maxInFlight))]
    for (const leader of new Set(numbers.map(number => known.leaders[number]!)))
      void this.#poll(turn, known, leader).catch(error => turn === this.#turn && this.#end(error))
    this.commitSoon()
    onRecords()
  }

  #lose(partitions: readonly KafkaPartition[]): void {
    for (const partition of partitions) partition.isLost = true
  }

  /** Where each begins: what the topic has no more is passed over. Further partitions of a group begin at their beginning. */
  async #starts(numbers: readonly number[]): Promise<readonly bigint[]> {
    if (numbers.length === 0) return []
    const { topic, clients, group, positions } = this.#settings
    return clients.patiently(async () => {
      const kept =
        group === undefined
          ? []
          : await this.#fetcher.listCommittedOffsets({ topics: [{ topic, partitions: [...numbers] }] })
      const committed = new Map(kept).get(topic)
      const earliest = (await this.#fetcher.listOffsets({ topics: [topic], timestamp: EARLIEST })).get(topic)!
      const latest = (await this.#fetcher.listOffsets({ topics: [topic], timestamp: LATEST })).get(topic)!
      return numbers.map(number => {
        const start = (group === undefined ? positions.get(number) : committed?.[number]) ?? -1n
        const [first, last] = [earliest[number]!, latest[number]!]
        return start < first ? first : start > last ? last : start
      })
    })
  }

  async #poll(turn: number, { id, leaders }: Topic, node: number): Promise<void> {
    const own = this.partitions.filter(({ number }) => leaders[number] === node)
    const byNumber = new Map(own.map(each => [each.number, each]))
    while (turn === this.#turn) {
      const hungry = own.filter(({ isHungry }) => isHungry)
      if (hungry.length === 0) {
        await new Promise<void>(resolve => this.#wakes.add(resolve))
        continue
      }
      const { responses } = await this.#fetcher.fetch({
        node,
        minBytes: 1,
        maxWaitTime: FETCH_WAIT_MS,
        maxBytes: MAX_FETCH_BYTES,
        topics: [{ topicId: id, partitions: hungry.map(toRequest) }],
      })
      if (turn !== this.#turn) return
      for (const { partitions } of responses)
        for (const { partitionIndex, records } of partitions) if (records) byNumber.get(partitionIndex)?.take(records)
      this.#settings.onRecords()
    }
  }

  #commit(): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commitNow())
    return this.#committing
  }

  async #commitNow(): Promise<void> {
    // While the group moves, Kafka takes none; the next assignment commits.
    if (!this.#member || this.#isMoving) return
    const done = this.partitions.filter(({ firstOpen, committed, isLost }) => !isLost && firstOpen > committed)
    if (done.length === 0) return
    const { topic } = this.#settings
    const offsets = done.map(({ number, firstOpen }) => ({
      topic,
      partition: number,
      offset: firstOpen,
      leaderEpoch: -1,
    }))
    try {
      await this.#member.commit({ offsets })
      done.forEach((partition, at) => void (partition.committed = offsets[at]!.offset))
    } catch (error) {
      // The heartbeat hears of it, too, and joins again.
      if ((error as { findBy?(name: string, value: unknown): unknown }).findBy?.('needsRejoin', true)) this.commitSoon()
      else this.#end(error)
    }
  }

  /** Partitions that were added are read by a new session. */
  async #look(count: number): Promise<void> {
    try {
      const { leaders } = await this.#settings.clients.topic(this.#fetcher, this.#settings.topic)
      if (leaders.length !== count) this.#end()
    } catch (error) {
      this.#end(error)
    }
  }
}

function toRequest({ number, position, fetchBytes }: KafkaPartition) {
  return {
    partition: number,
    fetchOffset: position,
    partitionMaxBytes: Math.min(fetchBytes, MAX_FETCH_BYTES),
    // We follow no leader's history.
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
  }
}
