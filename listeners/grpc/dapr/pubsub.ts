/** Dapr's pub/sub: publishing one by one and in bulk, and the subscription by stream. */
import { randomUUID } from 'node:crypto'
import { ApiError, type Delivery, type OutgoingMessage, type PubSubSubscription } from '../../../src/apis/index.ts'
import type { Component } from '../../../src/component.ts'
import { CLOUD_EVENT_TYPE, unwrap, wrap } from '../../../src/services/index.ts'
import { allowMetadata } from '../allow-metadata.ts'
import { textOf } from '../metadata.ts'
import type { Call, Incoming, Method, Outgoing } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { SubscriptionStream } from '../subscription-stream.ts'
import { eventFields } from './event.ts'
import { storeOf } from './stores.ts'

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
        component,
        { pubsubName: pubsub_name, topic },
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
      const message = toMessage(
        { data, contentType: data_content_type, metadata },
        component,
        { pubsubName: pubsub_name, topic },
        call,
      )
      const [failure] = await services.pubsub.publish(component.name, topic, [message])
      if (failure) throw failure
      return {}
    },

    BulkPublishEvent: bulk,
    BulkPublishEventAlpha1: bulk,

    SubscribeTopicEventsAlpha1(incoming: Incoming<SubscribeRequest>, out: Outgoing) {
      subscribeTopicEvents(context, incoming, out)
    },
  }

  function toMessage(
    { data, contentType, metadata }: Published,
    component: Component<'pubsub'>,
    place: { readonly pubsubName: string; readonly topic: string },
    call: Call,
  ): OutgoingMessage {
    allowMetadata(metadata, PUBLISH_METADATA)
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
      ...place,
      ...header(call, 'traceparent'),
      ...header(call, 'tracestate'),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      attributes: Object.fromEntries(attributes),
    }
    return { data: wrap(data, contentType, envelope), contentType: CLOUD_EVENT_TYPE, ...how }
  }
}

interface Published {
  readonly data: Buffer
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

/** The first message of a stream subscribes, the later ones settle. */
function subscribeTopicEvents(
  { services, options }: ServiceContext,
  incoming: Incoming<SubscribeRequest>,
  out: Outgoing,
): void {
  const stream = new SubscriptionStream(incoming, out)
  incoming.onMessage(({ initial_request, event_processed }) => {
    if (event_processed) return stream.settle(event_processed.id, event_processed.status?.status ?? 0)
    if (!initial_request) throw new ApiError('invalid-argument', 'the first message must be an initial request')
    if (stream.isOpen) throw new ApiError('invalid-argument', 'there is one initial request to a stream')
    stream.open(subscribe(initial_request), { initial_response: {} })
  })

  async function subscribe(request: NonNullable<SubscribeRequest['initial_request']>): Promise<PubSubSubscription> {
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
      onMessage: delivery => deliver(delivery, pubsub_name, raw),
    })
  }

  function deliver(delivery: Delivery, pubsub_name: string, raw: boolean): void {
    const event = unwrap(delivery.data, delivery.contentType, raw, options().appId)
    if (!event) return delivery.settle('drop')
    // Events may have one id twice; deliveries have not.
    const id = stream.holds(event.id) || event.id === '' ? randomUUID() : event.id
    const { topic } = delivery
    stream.deliver(id, delivery, { event_message: { id, topic, pubsub_name, ...eventFields(event) } })
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
  const value = textOf(metadata, name)
  return value === undefined ? {} : { [name]: value }
}
