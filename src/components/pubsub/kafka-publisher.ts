/** Publishing in Kafka: where each message goes, in how large requests, and what became of it. */
import type { Producer } from '@platformatic/kafka'
import { ApiError, type OutgoingMessage } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { farewell, type KafkaClients, type KafkaLibrary, within } from './kafka-clients.ts'
import { asApiError, canBeSentAgain, partitionsTaken } from './kafka-errors.ts'

/** Messages that may wait for the brokers' confirmation at a time. */
const MOST_UNCONFIRMED = 10_000
/** Messages of a request; brokers take a batch of 1 MiB as a rule, which all of one partition make. */
const REQUEST_BYTES = 512 * 1024
const ALL_IN_SYNC = -1
/** A broker that does not lead a partition yet, or no more, refuses at once. */
const SEND_AGAIN_MS = 50

export interface PublisherSettings {
  readonly requestTimeoutMs: number
  /** Messages without a key go to all partitions in turn. */
  readonly spreads: boolean
}

export class KafkaPublisher {
  readonly #library: KafkaLibrary
  readonly #clients: KafkaClients
  readonly #clock: Clock
  readonly #settings: PublisherSettings
  readonly #producer: Producer
  /** The partition of messages without a key: another one for each sidecar, or for each message. */
  #turn = Math.floor(Math.random() * 1_000_000)
  #unconfirmed = 0
  /** The brokers are asked who leads before anything is sent: a lost connection shows then. */
  #isDoubtful = false

  constructor(library: KafkaLibrary, clients: KafkaClients, clock: Clock, settings: PublisherSettings) {
    this.#library = library
    this.#clients = clients
    this.#clock = clock
    this.#settings = settings
    this.#producer = clients.producer()
  }

  /** A broker was lost, as others have found. */
  doubt(): void {
    this.#isDoubtful = true
  }

  async publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    if (messages.length === 0) return []
    if (this.#unconfirmed + messages.length > MOST_UNCONFIRMED)
      throw new ApiError('exhausted', `${this.#unconfirmed} messages wait for Kafka to confirm them`)
    this.#unconfirmed += messages.length
    try {
      const { leaders } = await this.#clients.topic(this.#producer, topic, this.#isDoubtful)
      this.#isDoubtful = false
      const outcomes: (ApiError | undefined)[] = []
      for (const part of parts(messages)) {
        const failure = outcomes.find(outcome => outcome !== undefined)
        // What follows something that was not taken would come in the wrong order.
        if (failure) outcomes.push(...part.map(() => new ApiError('unavailable', `not sent: ${failure.message}`)))
        else outcomes.push(...(await this.#send(topic, leaders.length, part)))
      }
      return outcomes
    } finally {
      this.#unconfirmed -= messages.length
    }
  }

  /** Rejects with an ApiError when no broker answers in time. */
  async check(timeoutMs: number): Promise<{ readonly cluster: string; readonly brokers: number }> {
    try {
      const asked = this.#producer.metadata({ topics: [], forceUpdate: true })
      const { id, brokers } = await within(asked, timeoutMs, this.#clock)
      return { cluster: id, brokers: brokers.size }
    } catch (error) {
      throw asApiError(error)
    }
  }

  close(): Promise<void> {
    return farewell(this.#producer, this.#clock)
  }

  async #send(
    topic: string,
    partitions: number,
    messages: readonly OutgoingMessage[],
  ): Promise<readonly (ApiError | undefined)[]> {
    const until = this.#clock.now() + this.#settings.requestTimeoutMs
    const records = messages.map(message => this.#record(topic, partitions, message))
    for (let left = records; ; ) {
      try {
        // Copies, as the library changes them.
        await this.#producer.send({ acks: ALL_IN_SYNC, messages: left.map(record => ({ ...record })) })
        return messages.map(() => undefined)
      } catch (error) {
        this.#isDoubtful = true
        const taken = partitionsTaken(error)
        left = left.filter(({ partition }) => !taken.has(partition))
        if (!canBeSentAgain(error) || this.#clock.now() > until) {
          const failure = asApiError(error, 'unknown')
          return records.map(record => (left.includes(record) ? failure : undefined))
        }
        await new Promise<void>(resolve => this.#clock.after(SEND_AGAIN_MS, resolve))
        await this.#clients.topic(this.#producer, topic, true).catch(() => {})
      }
    }
  }

  #record(topic: string, partitions: number, { data, contentType, headers, orderingKey }: OutgoingMessage) {
    const fields = Object.entries({ ...headers, ...(contentType && { 'content-type': contentType }) })
    const key = orderingKey === undefined ? undefined : Buffer.from(orderingKey)
    // Where Kafka's own client puts a key, so that others keep the order with us.
    const slot = key ? this.#library.compatibilityPartitioner(undefined as never, key) : this.#slot()
    return {
      topic,
      partition: slot % partitions,
      value: data,
      headers: new Map(fields.map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
      ...(key && { key }),
    }
  }

  #slot(): number {
    return this.#settings.spreads ? this.#turn++ : this.#turn
  }
}

/** Messages in their order, cut so that a request is not too long. */
function* parts(messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  let part: OutgoingMessage[] = []
  let bytes = 0
  for (const message of messages) {
    if (part.length > 0 && bytes + message.data.length > REQUEST_BYTES) {
      yield part
      part = []
      bytes = 0
    }
    part.push(message)
    bytes += message.data.length
  }
  yield part
}
