/** The stream that messages are kept in, made when it does not exist, and the consumers of it that subscriptions pull from. */
import type { ConsumerInfo } from '@nats-io/jetstream'
import type { SubscribeOptions } from '../../apis/index.ts'
import { isMissing, type NatsClient, type NatsSession } from '../clients/nats/index.ts'

const NANOS = 1e6
/** How long the consumer of a subscriber without a group outlives its connection. */
const BROADCAST_IDLE_MS = 300_000

export interface StreamOptions {
  readonly stream: string
  readonly prefix: string
  readonly maxAge: number
  readonly maxMessages?: number | undefined
  readonly maxBytes?: number | undefined
  readonly whenFull: 'refuse' | 'drop-oldest'
  readonly ackWait: number
  readonly maxUnsettled: number
}

export class NatsStream {
  readonly client: NatsClient
  readonly options: StreamOptions
  /** The connections over which it was seen to exist. */
  #seen = new WeakSet<NatsSession>()

  constructor(client: NatsClient, options: StreamOptions) {
    this.client = client
    this.options = options
  }

  get name(): string {
    return this.options.stream
  }

  /** One that exists is used as it is. Rejects as the client library does. */
  async ensure(session: NatsSession): Promise<void> {
    if (this.#seen.has(session)) return
    const { maxAge, maxMessages, maxBytes, whenFull, prefix } = this.options
    const { streams } = session.manager
    const found = await orMissing(streams.info(this.name))
    if (!found) {
      const made = streams.add({
        name: this.name,
        subjects: [`${prefix}.>`],
        retention: 'limits',
        storage: 'file',
        discard: whenFull === 'refuse' ? 'new' : 'old',
        max_age: maxAge * NANOS,
        max_msgs: maxMessages ?? -1,
        max_bytes: maxBytes ?? -1,
        num_replicas: this.client.replicas,
      })
      // Somebody else may have made it meanwhile, in another way.
      await made.catch(error => streams.info(this.name).catch(() => Promise.reject(error)))
    }
    this.#seen.add(session)
  }

  /** It turned out not to be there. */
  forget(): void {
    this.#seen = new WeakSet()
  }

  /** Makes the durable consumer of a group if it does not exist; its limits are ours then. */
  async ensureGroup(
    session: NatsSession,
    name: string,
    filter: string,
    from: SubscribeOptions['from'],
  ): Promise<ConsumerInfo> {
    const { ackWait, maxUnsettled } = this.options
    const { consumers } = session.manager
    await this.#ensureAnew(session)
    const limits = { ack_wait: ackWait * NANOS, max_ack_pending: maxUnsettled }
    const found = await orMissing(consumers.info(this.name, name))
    if (!found) {
      const added = consumers.add(this.name, {
        ...limits,
        durable_name: name,
        ack_policy: 'explicit',
        deliver_policy: from === 'earliest' ? 'all' : 'new',
        filter_subject: filter,
        max_deliver: -1,
      })
      return added.catch(error => consumers.info(this.name, name).catch(() => Promise.reject(error)))
    }
    const { ack_wait, max_ack_pending } = found.config
    if (ack_wait === limits.ack_wait && max_ack_pending === limits.max_ack_pending) return found
    return consumers.update(this.name, name, limits)
  }

  /** Makes the consumer of one subscriber if it does not exist, from that message on if one is named. */
  async ensureBroadcast(
    session: NatsSession,
    name: string,
    filter: string,
    startAt: number | undefined,
  ): Promise<ConsumerInfo> {
    const { ackWait, maxUnsettled } = this.options
    const { consumers, streams } = session.manager
    await this.#ensureAnew(session)
    const found = await orMissing(consumers.info(this.name, name))
    if (found) return found
    const { state } = await streams.info(this.name)
    const start =
      startAt === undefined
        ? ({ deliver_policy: 'new' } as const)
        : // One that was made anew counts from the beginning.
          ({ deliver_policy: 'by_start_sequence', opt_start_seq: Math.min(startAt, state.last_seq + 1) } as const)
    return consumers.add(this.name, {
      ...start,
      name,
      ack_policy: 'explicit',
      ack_wait: ackWait * NANOS,
      max_ack_pending: maxUnsettled,
      filter_subject: filter,
      max_deliver: -1,
      inactive_threshold: BROADCAST_IDLE_MS * NANOS,
    })
  }

  /** Subscriptions ask rarely, and mostly after something was lost. */
  #ensureAnew(session: NatsSession): Promise<void> {
    this.#seen.delete(session)
    return this.ensure(session)
  }
}

async function orMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
