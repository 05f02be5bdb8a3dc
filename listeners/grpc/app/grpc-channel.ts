/** The application as a gRPC server: `dapr.proto.runtime.v1.AppCallback`, or Layotto's of the same name. */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { eventFields } from '../dapr/index.ts'
import { methodShape } from '../schema.ts'
import { OUTCOMES } from '../subscription-stream.ts'
import { type AppChannel, type AppEvent, type AppOutcome, type AppSubscription, AppUnreachable } from './channel.ts'

const CALLBACK = 'dapr.proto.runtime.v1.AppCallback'
const LAYOTTO_CALLBACK = 'spec.proto.runtime.v1.AppCallback'
const CALLBACK_ALPHA = 'dapr.proto.runtime.v1.AppCallbackAlpha'

/** Layotto's has the first three fields. */
interface SubscriptionMessage {
  readonly pubsub_name: string
  readonly topic: string
  readonly metadata: Readonly<Record<string, string>>
  readonly routes?: {
    readonly rules: readonly { readonly match: string; readonly path: string }[]
    readonly default: string
  } | null
  readonly dead_letter_topic?: string
  readonly bulk_subscribe?: {
    readonly enabled: boolean
    readonly max_messages_count: number
    readonly max_await_duration_ms: number
  } | null
}

export interface ChannelOptions {
  /** As grpc-js takes it: `host:port` or `unix:/path`. */
  readonly target: string
  readonly timeoutMs: number
  /** What the application wants to be shown as `dapr-api-token`. */
  readonly token: () => string | undefined
}

export class GrpcAppChannel implements AppChannel {
  readonly #client: Client
  readonly #options: ChannelOptions
  /** The service by which the application has told what it subscribes to. */
  #callback = CALLBACK

  constructor(options: ChannelOptions) {
    this.#options = options
    this.#client = new Client(options.target, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 })
  }

  async subscriptions(): Promise<readonly AppSubscription[]> {
    for (const callback of [CALLBACK, LAYOTTO_CALLBACK]) {
      try {
        const { subscriptions } = await this.#call<{ subscriptions: readonly SubscriptionMessage[] }>(
          callback,
          'ListTopicSubscriptions',
          {},
        )
        this.#callback = callback
        return subscriptions.map(toSubscription)
      } catch (error) {
        if ((error as ServiceError).code !== status.UNIMPLEMENTED) throw error
      }
    }
    return []
  }

  async deliver(event: AppEvent): Promise<AppOutcome> {
    try {
      const answer = await this.#call<{ status: number }>(
        this.#callback,
        'OnTopicEvent',
        toMessage(event),
        event.pubsubName,
      )
      return OUTCOMES[answer.status] ?? 'retry'
    } catch (error) {
      // Nobody is there who would want it.
      if ((error as ServiceError).code === status.UNIMPLEMENTED) return 'drop'
      throw error
    }
  }

  async deliverAll(events: readonly AppEvent[]): Promise<readonly AppOutcome[]> {
    const [first] = events
    const { statuses } = await this.#call<{ statuses: readonly { entry_id: string; status: number }[] }>(
      CALLBACK_ALPHA,
      'OnBulkTopicEventAlpha1',
      {
        id: first!.id,
        topic: first!.topic,
        pubsub_name: first!.pubsubName,
        path: first!.path,
        type: 'com.dapr.event.sent.bulk',
        entries: events.map(toEntry),
      },
      first!.pubsubName,
    )
    const byId = new Map(statuses.map(each => [each.entry_id, OUTCOMES[each.status]]))
    return events.map(({ id }) => byId.get(id) ?? 'retry')
  }

  close(): void {
    this.#client.close()
  }

  #call<Answer>(service: string, method: string, message: object, pubsubName?: string): Promise<Answer> {
    const { path, request, response } = methodShape(service, method)
    const metadata = new Metadata()
    const token = this.#options.token()
    if (token !== undefined) metadata.set('dapr-api-token', token)
    // Applications look for it among the headers too.
    if (pubsubName !== undefined) metadata.set('pubsubname', pubsubName)
    const limits = { deadline: Date.now() + this.#options.timeoutMs }
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        request.encode,
        response.decode,
        message,
        metadata,
        limits,
        (error, answer) => (error ? reject(unreachable(error)) : resolve(answer as Answer)),
      )
    })
  }
}

function unreachable(error: ServiceError): Error {
  return error.code === status.UNAVAILABLE ? new AppUnreachable(error.details, { cause: error }) : error
}

function toSubscription(message: SubscriptionMessage): AppSubscription {
  const { pubsub_name, topic, metadata, routes, dead_letter_topic, bulk_subscribe } = message
  return {
    pubsubName: pubsub_name,
    topic,
    metadata,
    path: routes?.default ?? '',
    rules: routes?.rules ?? [],
    deadLetterTopic: dead_letter_topic ?? '',
    ...(bulk_subscribe?.enabled && {
      bulk: {
        maxMessages: bulk_subscribe.max_messages_count || 100,
        maxWaitMs: bulk_subscribe.max_await_duration_ms || 1_000,
      },
    }),
  }
}

function toMessage({ id, event, topic, pubsubName, path }: AppEvent): object {
  return { id, topic, pubsub_name: pubsubName, path, ...eventFields(event) }
}

function toEntry({ id, event, raw }: AppEvent): object {
  if (raw) return { entry_id: id, bytes: event.data, content_type: event.dataContentType }
  const cloud_event = { id: event.id, ...eventFields(event) }
  return { entry_id: id, cloud_event, content_type: event.dataContentType }
}
