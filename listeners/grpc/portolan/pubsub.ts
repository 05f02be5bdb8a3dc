/** `portolan.v1.PubSub`: messages as they are, without an envelope. */
import { ApiError, type Delivery, type OutgoingMessage, type PubSubSubscription } from '../../../src/apis/index.ts'
import type { Incoming, Method, Outgoing } from '../rpc.ts'
import { type Integer, toNumber } from '../schema.ts'
import type { ServiceContext } from '../services.ts'

interface PublishRequest {
  readonly component: string
  readonly topic: string
  readonly messages: readonly {
    readonly data: Buffer
    readonly content_type: string
    readonly headers: Readonly<Record<string, string>>
    readonly ordering_key: string
    readonly delay_ms: Integer
    readonly ttl_ms: Integer
  }[]
}

interface SubscribeRequest {
  readonly subscription: {
    readonly component: string
    readonly topic: string
    readonly group: string
    readonly from: number
    readonly max_in_flight: number
    readonly dead_letter_topic: string
    readonly max_attempts: number
  } | null
  readonly settlement: { readonly delivery_id: string; readonly outcome: number } | null
}

const OUTCOMES = ['ack', 'retry', 'drop'] as const
const EARLIEST = 1
const MAX_IN_FLIGHT = 100
const MAX_ATTEMPTS = 5
/** Publishing of one stream that may wait for the store. */
const MAX_PUBLISHING = 1_000

export function pubsubMethods(context: ServiceContext): Readonly<Record<string, Method>> {
  const { services } = context
  return {
    Publish: (request: PublishRequest) => publish(request),

    PublishStream(incoming: Incoming<PublishRequest>, out: Outgoing) {
      let last: Promise<unknown> = Promise.resolve()
      let waiting = 0
      incoming.onMessage(request => {
        if (++waiting >= MAX_PUBLISHING) incoming.pause()
        // Begun at once and answered in order: the store sees them in the order of the stream.
        const result = publish(request)
        last = Promise.all([last, result])
          .then(([, response]) => out.write(response))
          .catch(error => out.fail(error))
          .finally(() => {
            if (--waiting < MAX_PUBLISHING / 2) incoming.resume()
          })
      })
      incoming.onEnd(() => void last.then(() => out.end()))
    },

    Subscribe(incoming: Incoming<SubscribeRequest>, out: Outgoing) {
      new Subscription(context, incoming, out)
    },
  }

  async function publish({ component, topic, messages }: PublishRequest): Promise<object> {
    const failures = await services.pubsub.publish(component, topic, messages.map(toMessage))
    return {
      failures: failures.flatMap((error, index) =>
        error ? [{ index, error: error.message, retryable: error.retryable }] : [],
      ),
    }
  }
}

/** The subscription of one stream: its first message subscribes, the later ones settle. */
class Subscription {
  readonly #context: ServiceContext
  readonly #out: Outgoing
  readonly #unsettled = new Map<string, Delivery>()
  #subscription: Promise<PubSubSubscription> | undefined
  #deliveries = 0

  constructor(context: ServiceContext, incoming: Incoming<SubscribeRequest>, out: Outgoing) {
    this.#context = context
    this.#out = out
    incoming.onMessage(request => this.#onRequest(request))
    incoming.onEnd(() => this.#close().finally(() => out.end()))
    out.signal.addEventListener('abort', () => void this.#close(), { once: true })
  }

  #onRequest({ subscription, settlement }: SubscribeRequest): void {
    if (settlement) return this.#settle(settlement.delivery_id, settlement.outcome)
    if (!subscription) throw new ApiError('invalid-argument', 'the first message must be a subscription')
    if (this.#subscription) throw new ApiError('invalid-argument', 'there is one subscription to a stream')
    this.#subscription = this.#subscribe(subscription)
    this.#subscription.then(
      () => this.#out.write({ subscribed: {} }),
      error => this.#out.fail(error),
    )
  }

  #subscribe(request: NonNullable<SubscribeRequest['subscription']>): Promise<PubSubSubscription> {
    const { component, topic, group, from, max_in_flight, dead_letter_topic, max_attempts } = request
    return this.#context.services.pubsub.subscribe({
      component,
      topic,
      options: {
        ...(group !== '' && { group }),
        from: from === EARLIEST ? 'earliest' : 'new',
        maxInFlight: max_in_flight > 0 ? max_in_flight : MAX_IN_FLIGHT,
      },
      ...(dead_letter_topic !== '' && {
        deadLetters: { topic: dead_letter_topic, maxAttempts: max_attempts > 0 ? max_attempts : MAX_ATTEMPTS },
      }),
      onMessage: delivery => this.#deliver(delivery),
    })
  }

  #deliver(delivery: Delivery): void {
    const id = String(++this.#deliveries)
    this.#unsettled.set(id, delivery)
    const { topic, data, contentType, headers, orderingKey = '', attempt = 0 } = delivery
    this.#out.write({
      delivery: { id, topic, data, content_type: contentType, headers, ordering_key: orderingKey, attempt },
    })
  }

  #settle(id: string, outcome: number): void {
    const delivery = this.#unsettled.get(id)
    if (!delivery) return
    this.#unsettled.delete(id)
    delivery.settle(OUTCOMES[outcome] ?? 'retry')
  }

  async #close(): Promise<void> {
    const subscription = await this.#subscription?.catch(() => undefined)
    await subscription?.close().catch(() => {})
  }
}

function toMessage({
  data,
  content_type,
  headers,
  ordering_key,
  delay_ms,
  ttl_ms,
}: PublishRequest['messages'][number]): OutgoingMessage {
  const [delayMs, ttlMs] = [toNumber(delay_ms), toNumber(ttl_ms)]
  return {
    data,
    contentType: content_type,
    headers,
    ...(ordering_key !== '' && { orderingKey: ordering_key }),
    ...(delayMs > 0 && { delayMs }),
    ...(ttlMs > 0 && { ttlMs }),
  }
}
