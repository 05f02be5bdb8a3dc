/** Layotto's publishing: the events are those of Dapr. */
import { CLOUD_EVENT_TYPE, wrap } from '../../../src/services/index.ts'
import { allowMetadata } from '../allow-metadata.ts'
import type { Method } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly pubsub_name: string
  readonly topic: string
  readonly data: Buffer
  readonly data_content_type: string
  readonly metadata: Readonly<Record<string, string>>
}

export function pubsubMethods({ services, options }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async PublishEvent({ pubsub_name, topic, data, data_content_type, metadata }: Request) {
      allowMetadata(metadata)
      const event = wrap(data, data_content_type, { source: options().appId, topic, pubsubName: pubsub_name })
      const message = { data: event, contentType: CLOUD_EVENT_TYPE, headers: {} }
      const [failure] = await services.pubsub.publish(pubsub_name, topic, [message])
      if (failure) throw failure
      return {}
    },
  }
}
