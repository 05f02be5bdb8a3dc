/** The API of secrets: values under a name, read only. */
import type { Features, Store } from './api.ts'

export const secretsFeatures = {
  'secrets.get': 'A secret is read by name.',
  'secrets.bulk': 'All secrets are read at once.',
  'secrets.multi-value': 'A secret may hold several values, each under a key of its own.',
  'secrets.version': 'A secret can be read in an earlier version.',
  'secrets.change-event': 'A subscriber is told that a secret has changed.',
} as const satisfies Features

export interface Secret {
  readonly name: string
  /** At least one. A secret of a single value has it under the secret's own name. */
  readonly values: Readonly<Record<string, string>>
  /** Empty where the store has none. */
  readonly version: string
}

export interface SecretsStore extends Store {
  /** Undefined when there is no such secret, or no such version. */
  get(name: string, version?: string): Promise<Secret | undefined>
  list?(): Promise<readonly Secret[]>
  /** Calls back with the names of what changed, or is gone. Goes on over outages; may call for what did not change. */
  watch?(onChange: (names: readonly string[]) => void): { close(): void }
}
