/** Dapr's pub/sub: publishing one by one and in bulk, and the subscription by stream. */
import { randomUUID } from 'node:crypto'
import { ApiError, type Delivery, type OutgoingMessage, type PubSubSubscription } from '../../../src/apis/index.ts'
import { unwrap, wrap } from '../../../src/services/index.ts'
import type { Call, Incoming, Method, Outgoing } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { allowMetadata, storeOf } from './stores.ts'
import { toStruct } from './struct.ts'

interface PublishRequest {
  readonly pubsub_name: string
  readonly topic: string
  readonly data: Buffer
  readonly data_content_type: string
  readonly metadata: Readonly<Record<string, string>>
}

interface BulkRequest extends Pick<PublishRequest, 'pubsub_name' | 'topic' | 'metadata'> {
  readonly entries: readonly {
    readonly entry_id: string
    readonly event: Buffer
    readonly content_type: string
    readonly metadata: Readonly<Record<string, string>>
  }[]
}

interface SubscribeRequest {
  readonly initial_request: {
    readonly pubsub_name: string
    readonly topic: string
    readonly metadata: Readonly<Record<string, string>>
    readonly dead_letter_topic: string
  } | null
  readonly event_processed: { readonly id: string; readonly status: { readonly status: number } | null } | null
}

const PUBLISH_METADATA = ['rawPayload', 'ttlInSeconds', 'orderingKey', 'partitionKey', 'delayInSeconds', 'cloudevent.']
const SUBSCRIBE_METADATA = ['rawPayload', 'maxInFlight', 'consumerGroup']
const OUTCOMES = ['ack', 'retry', 'drop'] as const
const MAX_IN_FLIGHT = 100

export function pubsubMethods(context: ServiceContext): Readonly<Record<string, Method>> {
  const { services, options } = context
  async function bulk({ pubsub_name, topic, entries, metadata }: BulkRequest, call: Call) {
    const component = storeOf(services, 'pubsub', pubsub_name)
    if (topic === '') throw noTopic(pubsub_name)
    if (entries.length === 0) throw new ApiError('invalid-argument', `nothing to publish to topic ${topic}`)
    const ids = new Set(entries.map(({ entry_id }) => entry_id))
    if (ids.size !== entries.length || ids.has(''))
      throw new ApiError(
        'invalid-argument',
        `entryId is duplicated or not present for entry in pubsub ${pubsub_name}, topic ${topic}`,
      )
    const messages = entries.map(({ event, content_type, metadata: own }) =>
      toMessage(
        { data: event, contentType: content_type, metadata: { ...metadata, ...own } },
        pubsub_name,
        topic,
        call,
      ),
    )
    const failures = await services.pubsub.publish(component.name, topic, messages)
    return {
      failedEntries: failures.flatMap((error, at) =>
        error ? [{ entry_id: entries[at]!.entry_id, error: error.message }] : [],
      ),
    }
  }

  return {
    async PublishEvent({ pubsub_name, topic, data, data_content_type, metadata }: PublishRequest, call: Call) {
      const component = storeOf(services, 'pubsub', pubsub_name)
      if (topic === '') throw noTopic(pubsub_name)
      const message = toMessage({ data, contentType: data_content_type, metadata }, pubsub_name, topic, call)
      const [failure] = await services.pubsub.publish(component.name, topic, [message])
      if (failure) throw failure
      return {}
    },

    BulkPublishEvent: bulk,
    BulkPublishEventAlpha1: bulk,

    SubscribeTopicEventsAlpha1(incoming: Incoming<SubscribeRequest>, out: Outgoing) {
      new StreamSubscription(context, incoming, out)
    },
  }

  function toMessage(
    { data, contentType, metadata }: Published,
    pubsubName: string,
    topic: string,
    call: Call,
  ): OutgoingMessage {
    allowMetadata(metadata, PUBLISH_METADATA)
    const component = storeOf(services, 'pubsub', pubsubName)
    const facts = new Map(Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value]))
    const ttlMs = seconds(facts.get('ttlinseconds'), 'ttlInSeconds')
    const delayMs = seconds(facts.get('delayinseconds'), 'delayInSeconds')
    const orderingKey = facts.get('orderingkey') ?? facts.get('partitionkey')
    const raw = facts.get('rawpayload') === 'true'
    const how = {
      headers: {},
      ...(orderingKey === undefined ? {} : { orderingKey }),
      ...(delayMs === undefined ? {} : { delayMs }),
      // Where the store knows no time to live, the event tells it, as with Dapr.
      ...(ttlMs === undefined || (!raw && !component.has('pubsub.ttl')) ? {} : { ttlMs }),
    }
    if (raw) return { data, contentType, ...how }
    const attributes = [...facts].flatMap(([key, value]) =>
      key.startsWith('cloudevent.') ? [[key.slice('cloudevent.'.length), value]] : [],
    )
    const envelope = {
      source: options().appId,
      topic,
      pubsubName,
      ...header(call, 'traceparent'),
      ...header(call, 'tracestate'),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      attributes: Object.fromEntries(attributes),
    }
    return { data: wrap(data, contentType, envelope), contentType: 'application/cloudevents+json', ...how }
  }
}

interface Published {
  readonly data: Buffer
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

/** The subscription of one stream: its first message subscribes, the later ones settle. */
class StreamSubscription {
  readonly #context: ServiceContext
  readonly #out: Outgoing
  readonly #unsettled = new Map<string, Delivery>()
  #subscription: Promise<PubSubSubscription> | undefined

  constructor(context: ServiceContext, incoming: Incoming<SubscribeRequest>, out: Outgoing) {
    this.#context = context
    this.#out = out
    incoming.onMessage(request => this.#onRequest(request))
    incoming.onEnd(() => this.#close().finally(() => out.end()))
    out.signal.addEventListener('abort', () => void this.#close(), { once: true })
  }

  #onRequest({ initial_request, event_processed }: SubscribeRequest): void {
    if (event_processed) return this.#settle(event_processed.id, event_processed.status?.status ?? 0)
    if (!initial_request) throw new ApiError('invalid-argument', 'the first message must be an initial request')
    if (this.#subscription) throw new ApiError('invalid-argument', 'there is one initial request to a stream')
    this.#subscription = this.#subscribe(initial_request)
    this.#subscription.then(
      () => this.#out.write({ initial_response: {} }),
      error => this.#out.fail(error),
    )
  }

  async #subscribe(request: NonNullable<SubscribeRequest['initial_request']>): Promise<PubSubSubscription> {
    const { services, options } = this.#context
    const { pubsub_name, topic, metadata, dead_letter_topic } = request
    storeOf(services, 'pubsub', pubsub_name)
    if (topic === '') throw noTopic(pubsub_name)
    allowMetadata(metadata, SUBSCRIBE_METADATA)
    const raw = metadata['rawPayload'] === 'true'
    const { appId } = options()
    return services.pubsub.subscribe({
      component: pubsub_name,
      topic,
      options: {
        group: metadata['consumerGroup'] ?? appId,
        from: 'new',
        maxInFlight: Number(metadata['maxInFlight'] ?? MAX_IN_FLIGHT) || MAX_IN_FLIGHT,
      },
      // With Dapr the first failure leads there, unless a policy says otherwise.
      ...(dead_letter_topic ? { deadLetters: { topic: dead_letter_topic, maxAttempts: 1 } } : {}),
      onMessage: delivery => this.#deliver(delivery, pubsub_name, raw),
    })
  }

  #deliver(delivery: Delivery, pubsubName: string, raw: boolean): void {
    const event = unwrap(delivery.data, delivery.contentType, raw, this.#context.options().appId)
    if (!event) return delivery.settle('drop')
    // Events may have one id twice; deliveries have not.
    const id = this.#unsettled.has(event.id) || event.id === '' ? randomUUID() : event.id
    this.#unsettled.set(id, delivery)
    this.#out.write({
      event_message: {
        id,
        source: event.source,
        type: event.type,
        spec_version: event.specVersion,
        data_content_type: event.dataContentType,
        data: event.data,
        topic: delivery.topic,
        pubsub_name: pubsubName,
        extensions: toStruct(event.extensions),
      },
    })
  }

  #settle(id: string, status: number): void {
    const delivery = this.#unsettled.get(id)
    if (!delivery) return
    this.#unsettled.delete(id)
    delivery.settle(OUTCOMES[status] ?? 'retry')
  }

  async #close(): Promise<void> {
    const subscription = await this.#subscription?.catch(() => undefined)
    await subscription?.close().catch(() => {})
  }
}

function noTopic(pubsub: string): ApiError {
  return new ApiError('invalid-argument', `topic is empty in pubsub ${pubsub}`)
}

function seconds(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value * 1_000
  throw new ApiError('invalid-argument', `${name} must be a whole number above zero, not ${JSON.stringify(text)}`)
}

function header({ metadata }: Call, name: 'traceparent' | 'tracestate'): { [key in typeof name]?: string } {
  const [value] = metadata.get(name)
  return typeof value === 'string' ? { [name]: value } : {}
}
