/** What servers of Redis can do that not all can: by version, product and modules. */
import type { ServerIdentity } from './handshake.ts'

export const redisFeatures = {
  'redis.resp3': 'RESP3 (HELLO 3).',
  'redis.acl': 'Users with rights of their own (ACL).',
  'redis.streams': 'Streams with consumer groups.',
  'redis.functions': 'Functions kept in the server (FUNCTION, FCALL).',
  'redis.sharded-pubsub': 'Sharded channels (SSUBSCRIBE).',
  'redis.field-expiry': 'Fields of hashes that expire (HEXPIRE).',
  'redis.json': 'JSON documents (JSON.SET and so on).',
  'redis.search': 'Indexes and queries (FT.SEARCH and so on).',
  'redis.bloom': 'Probabilistic structures (BF.ADD and so on).',
  'redis.time-series': 'Time series (TS.ADD and so on).',
} as const satisfies Readonly<Record<`redis.${string}`, string>>

/** The version from which a server has it. */
const SINCE: readonly (readonly [feature: keyof typeof redisFeatures, major: number, minor: number])[] = [
  ['redis.streams', 5, 0],
  ['redis.resp3', 6, 0],
  ['redis.acl', 6, 0],
  ['redis.functions', 7, 0],
  ['redis.sharded-pubsub', 7, 0],
]

const MODULES: Readonly<Record<string, keyof typeof redisFeatures>> = {
  ReJSON: 'redis.json',
  json: 'redis.json',
  search: 'redis.search',
  searchlight: 'redis.search',
  bf: 'redis.bloom',
  timeseries: 'redis.time-series',
}

export function featuresOf({ server, version, modules }: ServerIdentity): readonly string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const since = (wantedMajor: number, wantedMinor: number) =>
    major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
  const found = SINCE.filter(([, from, fromMinor]) => since(from, fromMinor)).map(([feature]) => feature)
  // Valkey, which began at 7.2, got it in 9.0.
  const isValkey = server === 'valkey'
  if (isValkey ? since(9, 0) : since(7, 4)) found.push('redis.field-expiry')
  const names = modules.flatMap(({ name }) => MODULES[name] ?? [])
  return [...found, ...names]
}
