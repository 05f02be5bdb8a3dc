/**
 * What all standardized APIs share. An API is one interface in a file of this folder with the list of its features; a
 * store is somebody's implementation of it, a component is a store under a name in the configuration.
 */

export const API_NAMES = ['configuration', 'lock', 'sequencer', 'secrets', 'pubsub', 'invoke'] as const

export type ApiName = (typeof API_NAMES)[number]

/** What an application may require and a component may have, such as `lock.renew`. */
export type FeatureId = `${ApiName}.${string}`

/** The features of an API: id to what it means, in a sentence. */
export type Features = Readonly<Record<FeatureId, string>>

/** What every store can do, whatever its API. */
export interface Store {
  /** Asks the server who it is, to show that it answers. Rejects with an ApiError, `unavailable` as a rule. */
  check(timeoutMs: number): Promise<StoreFacts>
  /** Lets go of everything; what is under way is rejected with `unavailable`. Never rejects. */
  close(): Promise<void>
}

export interface StoreFacts {
  /** Product and version, such as `etcd 3.4.23`. */
  readonly version?: string
  /** Further facts for `check --probe`, label to value. */
  readonly facts?: Readonly<Record<string, string>>
  /** Features that this server turned out not to have, although its kind has them: each with the reason. */
  readonly lacks?: Readonly<Record<FeatureId, string>>
}
