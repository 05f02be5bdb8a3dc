/** The client library, and what its clients have in common: where the brokers are, who we are, how long we wait. */
import { isIP } from 'node:net'
import type { Consumer, Producer } from '@platformatic/kafka'
import { ApiError } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { asApiError, isPassing } from './kafka-errors.ts'

export type KafkaLibrary = typeof import('@platformatic/kafka')

export interface ClientOptions {
  readonly clientId: string
  readonly endpoints: readonly { readonly host: string; readonly port: number }[]
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly createTopics: boolean
  /** As Node's tls takes them, read for each connection; undefined without TLS. */
  readonly tls: (() => object) | undefined
  readonly serverName: string | undefined
  readonly sasl:
    | {
        readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
        readonly username: string
        readonly password: () => Promise<string>
      }
    | undefined
}

export interface Topic {
  readonly id: string
  /** By the numbers of the partitions: the broker that leads each. */
  readonly leaders: readonly number[]
}

/** From one question about a topic that is not there yet to the next. */
const ASK_AGAIN_MS = 100
/** A rebalance waits for the slowest member; the answer to joining comes after it. */
const JOIN_MARGIN_MS = 5_000
/** How long the brokers may take to say goodbye. */
const FAREWELL_MS = 2_000

export class KafkaClients {
  readonly #library: KafkaLibrary
  readonly #options: ClientOptions
  readonly #clock: Clock

  constructor(library: KafkaLibrary, options: ClientOptions, clock: Clock) {
    this.#library = library
    this.#options = options
    this.#clock = clock
  }

  producer(): Producer {
    return quiet(new this.#library.Producer(this.#common()))
  }

  /** A consumer that is no member of its group: it fetches, and asks for offsets. */
  fetcher(groupId: string): Consumer {
    return quiet(new this.#library.Consumer({ ...this.#common(), groupId }))
  }

  member(groupId: string): Consumer {
    const { sessionTimeoutMs, requestTimeoutMs } = this.#options
    const group = {
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.ceil(sessionTimeoutMs / 10),
      requestTimeout: sessionTimeoutMs + Math.max(requestTimeoutMs, JOIN_MARGIN_MS),
    }
    return quiet(new this.#library.Consumer({ ...this.#common(), ...group }))
  }

  /** Makes the topic when it is missing and may be made. Rejects with an ApiError. */
  topic(client: Consumer | Producer, topic: string, isFresh = false): Promise<Topic> {
    return this.patiently(async isFirst => {
      const { topics } = await client.metadata({
        topics: [topic],
        autocreateTopics: this.#options.createTopics,
        forceUpdate: isFresh || !isFirst,
      })
      const found = topics.get(topic)
      // It was made just now.
      if (!found || found.partitions.some(({ leader }) => leader < 0)) return undefined
      return { id: found.id, leaders: found.partitions.map(({ leader }) => leader) }
    })
  }

  /** Asks again for as long as a request may take, while something is not there yet. Rejects with an ApiError. */
  async patiently<T>(ask: (isFirst: boolean) => Promise<T | undefined>): Promise<T> {
    const { requestTimeoutMs, createTopics } = this.#options
    const { now } = this.#clock
    const until = now() + requestTimeoutMs
    for (let isFirst = true; ; isFirst = false) {
      let failure = new ApiError('unavailable', `it was not there within ${requestTimeoutMs} ms`)
      try {
        const answer = await within(ask(isFirst), Math.max(1, until - now()), this.#clock)
        if (answer !== undefined) return answer
      } catch (error) {
        failure = asApiError(error)
        const isAbsent = failure.code === 'not-found' && createTopics
        if (!isAbsent && !isPassing(error)) throw failure
      }
      if (now() + ASK_AGAIN_MS >= until) throw failure
      await new Promise<void>(resolve => this.#clock.after(ASK_AGAIN_MS, resolve))
    }
  }

  #common() {
    const { clientId, endpoints, connectTimeoutMs, requestTimeoutMs, createTopics, tls, serverName, sasl } =
      this.#options
    return {
      clientId,
      bootstrapBrokers: endpoints.map(({ host, port }) => ({ host, port })),
      connectTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      timeout: requestTimeoutMs,
      // Only we know what may be sent again.
      retries: 0,
      autocreateTopics: createTopics,
      ...(tls && { tls: live(tls), tlsServerName: serverName ?? endpoints.every(({ host }) => isIP(host) === 0) }),
      ...(sasl && { sasl }),
    }
  }
}

/** Leaves its group and closes its connections; never rejects. */
export async function farewell(client: Consumer | Producer, clock: Clock): Promise<void> {
  try {
    await within(Promise.resolve(client.close(true)), FAREWELL_MS, clock)
  } catch {
    // It has not left; that it is gone is found by its silence.
    client.connections.close(() => {})
  }
}

/** Closes the connections of a member without leaving its group; never rejects. */
export async function vanish(member: Consumer, clock: Clock): Promise<void> {
  // Nobody leaves then, but the heartbeats end.
  member.memberId = null
  await within(Promise.resolve(member.leaveGroup(true)), FAREWELL_MS, clock).catch(() => {})
  await farewell(member, clock)
}

/** Rejects with `unavailable` when it takes longer. */
export function within<T>(call: Promise<T>, ms: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new ApiError('unavailable', `no answer of Kafka within ${ms} ms`)))
    call.then(resolve, reject).finally(cancel)
  })
}

/** The library copies the properties for each connection, so a renewed certificate is used by the next one. */
function live(tls: () => object): object {
  const properties = Object.keys(tls()).map(name => [
    name,
    { enumerable: true, get: () => (tls() as Readonly<Record<string, unknown>>)[name] },
  ])
  return Object.defineProperties({}, Object.fromEntries(properties))
}

/** What goes wrong is told by calls and by events of their own; this one would end the process. */
function quiet<Client extends Consumer | Producer>(client: Client): Client {
  ;(client as Consumer).on('error', () => {})
  return client
}
