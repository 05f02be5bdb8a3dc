/** The standardized APIs: their interfaces and feature ids. */
import type { ApiName, FeatureId, Features } from './api.ts'
import { type ConfigurationStore, configurationFeatures, configurationLayer } from './configuration.ts'
import { type InvokeStore, invokeFeatures } from './invoke.ts'
import { type LockStore, lockFeatures } from './lock.ts'
import { type PubSubStore, pubsubFeatures } from './pubsub.ts'
import { type SecretsStore, secretsFeatures } from './secrets.ts'
import { type SequencerStore, sequencerFeatures } from './sequencer.ts'

export { API_NAMES, type ApiName, type FeatureId, type Features, type Store, type StoreFacts } from './api.ts'
export type * from './configuration.ts'
export { ApiError, type ApiErrorCode } from './errors.ts'
export type * from './invoke.ts'
export type * from './lock.ts'
export type * from './pubsub.ts'
export type * from './secrets.ts'
export type * from './sequencer.ts'

/** The store of each API. */
export interface Stores {
  readonly configuration: ConfigurationStore
  readonly lock: LockStore
  readonly sequencer: SequencerStore
  readonly secrets: SecretsStore
  readonly pubsub: PubSubStore
  readonly invoke: InvokeStore
}

/** Every feature of every API, with its meaning. */
export const FEATURES: Readonly<Record<ApiName, Features>> = {
  configuration: configurationFeatures,
  lock: lockFeatures,
  sequencer: sequencerFeatures,
  secrets: secretsFeatures,
  pubsub: pubsubFeatures,
  invoke: invokeFeatures,
}

/** The features that the sidecar adds to all stores of an API. */
export const LAYER: Readonly<Partial<Record<ApiName, readonly FeatureId[]>>> = { configuration: configurationLayer }
