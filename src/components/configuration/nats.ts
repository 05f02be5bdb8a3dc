/**
 * Configuration in NATS KV. An item is the key `<group>.<label>.<key>` of a bucket, `default` for no group or label, or
 * `<key>` without groups; what NATS takes in no key stands escaped. Its version is the revision of its last write.
 */
import * as z from 'zod/mini'
import {
  ApiError,
  type ConfigurationItem,
  type ConfigurationObserver,
  type ConfigurationStore,
  type ConfigurationWatch,
  type ItemChange,
  type ItemKey,
  type Selection,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import {
  Bucket,
  dottedKeyOf,
  type FollowedEntry,
  type Follower,
  followBucket,
  NatsClient,
  type NatsOptions,
  nameOf,
  natsOptions,
  tokenOf,
} from '../clients/nats/index.ts'
import { ItemPaths, type PathNotation } from './item-paths.ts'
import { NatsConfigurationWatch } from './nats-watch.ts'

const options = () =>
  z.strictObject({
    ...natsOptions(),
    bucket: z
      ._default(z.string().check(z.regex(/^[-\w]+$/)), 'portolan-configuration')
      .apply(described('The KV bucket of the items; made when it does not exist.')),
    groups: z
      ._default(z.boolean(), true)
      .apply(
        described(
          'Whether keys are `<group>.<label>.<key>`, `default` for no group or label; without, a key is as it is.',
        ),
      ),
    historyLength: z
      ._default(z.int().check(z.minimum(1), z.maximum(64)), 10)
      .apply(described('How many values of an item a bucket that is made keeps, the present one included.')),
    maxItems: z
      ._default(z.int().check(z.minimum(1)), 10_000)
      .apply(described('Items that are read or watched at a time at most.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const natsConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'nats',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
    'configuration.cas',
    'configuration.group',
    'configuration.label',
    'configuration.history',
  ],
  options,
  open: async (raw, context) => {
    const { bucket, groups, historyLength, maxItems, ...rest } = raw as Options
    const client = await NatsClient.open(rest as NatsOptions, context)
    const keyOf = (key: string) => key
    return new NatsConfigurationStore(new Bucket(client, bucket, { history: historyLength, keyOf }), groups, maxItems)
  },
}

const KEYS: PathNotation = { key: dottedKeyOf, keyOf: nameOf, segment: tokenOf, separator: '.' }

/** The server takes no longer line than 4 KiB, with a subject in it. */
const LONGEST_KEY = 2_048
/** How often a write is tried anew that was overtaken by a deletion. */
const MAX_ATTEMPTS = 20

class NatsConfigurationStore implements ConfigurationStore {
  readonly #bucket: Bucket
  /** Of subjects: `$KV.<bucket>.<key>`. */
  readonly #paths: ItemPaths
  readonly #prefix: string
  readonly #maxItems: number

  constructor(bucket: Bucket, groups: boolean, maxItems: number) {
    this.#bucket = bucket
    this.#prefix = `$KV.${bucket.name}`
    this.#paths = new ItemPaths({ prefix: this.#prefix, groups }, KEYS)
    this.#maxItems = maxItems
  }

  async check(timeoutMs: number) {
    return { ...(await this.#bucket.client.check(timeoutMs)), ...this.#paths.facts }
  }

  close(): Promise<void> {
    return this.#bucket.client.close()
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    const { keys, prefix } = selection
    if (keys === undefined) return this.#list({ ...selection, prefix })
    if (keys.length > this.#maxItems)
      throw new ApiError(
        'exhausted',
        `more than ${this.#maxItems} items are asked for; raise maxItems, or ask for fewer`,
      )
    const found = await Promise.all(
      keys.map(async key => {
        const itemKey = { ...keyIn(selection), key }
        const { revision, value } = await this.#bucket.find(this.#keyOf(itemKey))
        return value === undefined ? [] : [itemOf(itemKey, revision, value)]
      }),
    )
    return found.flat()
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    return new NatsConfigurationWatch(
      this.#bucket.client.clock,
      (follower, signal) => this.#follow(selection, follower, signal),
      {
        onContents: entries => observer.onItems(entries.map(entry => this.#item(entry, selection))),
        onEntry: entry => {
          if (entry.value === undefined) observer.onGone(this.#key(entry, selection))
          else observer.onItem(this.#item(entry, selection))
        },
        onOutage: error => observer.onOutage(error),
      },
    )
  }

  /** One after the other: a write that is refused leaves those before it. */
  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    const keys = changes.map(change => this.#keyOf(change))
    const versions: string[] = []
    for (const [i, change] of changes.entries()) versions.push(await this.#write(keys[i]!, change))
    return versions
  }

  /** Those of the values that the bucket keeps, also from before a deletion. */
  async history(itemKey: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    const entries = await this.#bucket.history(this.#keyOf(itemKey))
    const items = entries.flatMap(({ revision, value }) =>
      value === undefined ? [] : [itemOf({ ...keyIn(itemKey), key: itemKey.key }, revision, value)],
    )
    return items.reverse().slice(0, limit)
  }

  async #write(key: string, { value, expected }: ItemChange): Promise<string> {
    if (expected !== undefined && expected !== '') {
      const revision = revisionOf(expected)
      const written = revision && (await this.#bucket.replace(key, revision, value))
      if (!written) throw conflict()
      return value === undefined ? '' : String(written)
    }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // A deletion of nothing would leave a mark of its own.
      const found = expected === '' || value === undefined ? await this.#bucket.find(key) : undefined
      if (expected === '' && found!.value !== undefined) throw conflict()
      if (value === undefined && found!.value === undefined) return ''
      const written = await this.#bucket.replace(key, found?.revision, value)
      if (written !== undefined) return value === undefined ? '' : String(written)
    }
    throw new ApiError('unavailable', 'too many write at the same time')
  }

  async #list(selection: Selection): Promise<readonly ConfigurationItem[]> {
    const { client } = this.#bucket
    const stop = new AbortController()
    let items: readonly ConfigurationItem[] | undefined
    const follower = {
      onContents: (entries: readonly FollowedEntry[]) => {
        items = entries.map(entry => this.#item(entry, selection))
        stop.abort()
      },
      onEntry() {},
    }
    const cancel = client.clock.after(client.requestTimeoutMs, () => stop.abort())
    try {
      await this.#follow(selection, follower, stop.signal)
    } finally {
      cancel()
    }
    if (items) return items
    throw new ApiError('unavailable', `NATS did not tell all items in ${client.requestTimeoutMs} ms`)
  }

  /** A consumer has one filter: several keys are picked out of all of their group and label. */
  #follow(selection: Selection, follower: Follower, signal: AbortSignal): Promise<void> {
    const { keys, prefix } = selection
    const folder = `${this.#paths.folderOf(selection)}.`
    const subjects = keys && new Set(keys.map(key => this.#paths.pathOf({ ...keyIn(selection), key })))
    const filter = subjects?.size === 1 ? [...subjects][0]! : `${folder}>`
    const concerns = (subject: string): boolean => {
      if (subjects) return subjects.has(subject)
      const written = subject.slice(folder.length)
      const key = nameOf(written)
      // What others have written in another way is out of reach by its name.
      return key.startsWith(prefix!) && dottedKeyOf(key) === written
    }
    return followBucket(this.#bucket, filter, { maxKeys: this.#maxItems, concerns }, follower, signal)
  }

  #item(entry: FollowedEntry, within: Omit<ItemKey, 'key'>): ConfigurationItem {
    return itemOf(this.#key(entry, within), entry.revision, entry.value ?? '')
  }

  #key({ subject }: FollowedEntry, within: Omit<ItemKey, 'key'>): ItemKey {
    return { ...keyIn(within), key: this.#paths.keyOf(subject) }
  }

  #keyOf(item: ItemKey): string {
    const key = this.#paths.pathOf(item).slice(this.#prefix.length + 1)
    if (key.length <= LONGEST_KEY) return key
    throw new ApiError('invalid-argument', `the key is longer than ${LONGEST_KEY} characters as NATS writes it`)
  }
}

function keyIn({ group, label }: Omit<ItemKey, 'key'>) {
  return { group, label }
}

function itemOf(key: ItemKey, revision: number, value: string): ConfigurationItem {
  return { ...key, value, version: String(revision), contentType: '', metadata: {} }
}

/** Undefined for what was never a version of ours. */
function revisionOf(version: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(version) ? Number(version) : undefined
}

function conflict(): ApiError {
  return new ApiError('conflict', 'an item has another version than was expected')
}
