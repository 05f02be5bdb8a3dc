/** The upstream side of Redis. */
import type { BackendKind } from '../../protocol.ts'
import { RedisBackend } from './backend.ts'
import { redisFeatures } from './features.ts'
import { redisBackendOptions } from './options.ts'

export { RedisBackend } from './backend.ts'
export type { Lane } from './lane.ts'
export { type Pipeline, sendToNobody } from './pipeline.ts'
export type { PrivatePool } from './private-pool.ts'
export type { ReplySink } from './reply-sink.ts'
export type { Subscriber, SubscriptionKind } from './subscription.ts'
export type { Subscriptions } from './subscriptions.ts'

export const redisBackendKind: BackendKind = {
  protocol: 'redis',
  options: redisBackendOptions,
  features: redisFeatures,
  build: (config, runtime) => new RedisBackend(config, runtime),
}
