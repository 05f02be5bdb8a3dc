/** `portolan.v1.PubSub`: messages as they are, without an envelope. */
import { ApiError, type Delivery, type OutgoingMessage } from '../../../src/apis/index.ts'
import type { Incoming, Method, Outgoing } from '../rpc.ts'
import { type Integer, toNumber } from '../schema.ts'
import type { ServiceContext } from '../services.ts'
import { SubscriptionStream } from '../subscription-stream.ts'

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
      subscribe(context, incoming, out)
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

/** The first message of a stream subscribes, the later ones settle. */
function subscribe({ services }: ServiceContext, incoming: Incoming<SubscribeRequest>, out: Outgoing): void {
  const stream = new SubscriptionStream(incoming, out)
  let deliveries = 0
  incoming.onMessage(({ subscription, settlement }) => {
    if (settlement) return stream.settle(settlement.delivery_id, settlement.outcome)
    if (!subscription) throw new ApiError('invalid-argument', 'the first message must be a subscription')
    if (stream.isOpen) throw new ApiError('invalid-argument', 'there is one subscription to a stream')
    const { component, topic, group, from, max_in_flight, dead_letter_topic, max_attempts } = subscription
    const subscribed = services.pubsub.subscribe({
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
      onMessage: deliver,
    })
    stream.open(subscribed, { subscribed: {} })
  })

  function deliver(delivery: Delivery): void {
    const id = String(++deliveries)
    const { topic, data, contentType, headers, orderingKey = '', attempt = 0 } = delivery
    stream.deliver(id, delivery, {
      delivery: { id, topic, data, content_type: contentType, headers, ordering_key: orderingKey, attempt },
    })
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
