/**
 * Configuration in Redis, as daprd keeps it: a key for each item, whose value is `value||version`. Changes are told by
 * keyspace notifications, which the server must be set to send (as daprd does, this asks it to where it may).
 */
import * as z from 'zod/mini'
import { decodeReply, ReplyError } from '../../../codecs/redis/index.ts'
import {
  ApiError,
  type ConfigurationItem,
  type ConfigurationObserver,
  type ConfigurationStore,
  type ConfigurationWatch,
  type ItemChange,
  type Selection,
  type StoreFacts,
} from '../../apis/index.ts'
import type { Subscriber } from '../../backends/redis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { RedisClient, Script } from '../clients/redis/index.ts'

const options = () =>
  z.strictObject({
    setNotifications: z
      ._default(z.boolean(), true)
      .apply(
        described(
          'Has the server send keyspace notifications (CONFIG SET) where it does not. false: it is set to, and need not be asked.',
        ),
      ),
    maxItems: z
      ._default(z.int().check(z.minimum(1)), 10_000)
      .apply(described('Items that may be read or watched by one selection.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const redisConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'redis',
  backend: 'redis',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
    'configuration.cas',
  ],
  options,
  open: async (raw, context) => new RedisConfigurationStore(new RedisClient(context), raw as Options),
}

/** Daprd's mark between a value and its version. Here the last one counts, so that a value may hold it too. */
const MARK = '||'
const KEYSPACE = '__keyspace@0__:'
/** Notifications of keyspace events (K) about generic commands, strings, expiry and eviction. */
const NEEDED = 'Kg$xe'

/**
 * Writes or deletes under a condition. ARGV: the value, or nothing to delete; a number that makes versions new; whether
 * there is a condition; the version that is expected, '' for none. Answers the version before, marked, where it differs.
 */
const CHANGE = new Script(`
local now = redis.call('GET', KEYS[1])
local version = ''
if now then
  version = string.match(now, '^.*||(.*)$') or '0'
end
if ARGV[3] == '1' and version ~= ARGV[4] then return { 'conflict', version } end
if ARGV[1] == 'delete' then
  redis.call('DEL', KEYS[1])
  return { 'done', '' }
end
local last = redis.call('HINCRBY', KEYS[2], 'version', 1)
local known = tonumber(version)
if known and known >= last then
  last = known + 1
  redis.call('HSET', KEYS[2], 'version', last)
end
redis.call('SET', KEYS[1], ARGV[2] .. '||' .. last)
return { 'done', tostring(last) }
`)

/** The hash with the counter that versions are taken from, so that none comes back after an item was deleted; no item to daprd. */
const VERSIONS = 'portolan:configuration'

class RedisConfigurationStore implements ConfigurationStore {
  readonly #client: RedisClient
  readonly #options: Options
  readonly #watches = new Set<Watch>()

  constructor(client: RedisClient, options: Options) {
    this.#client = client
    this.#options = options
  }

  async check(timeoutMs: number): Promise<StoreFacts> {
    const facts = await this.#client.check(timeoutMs)
    const lacks = await this.notify()
    return lacks ? { ...facts, lacks } : facts
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close()
    this.#client.close()
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    if (selection.keys?.length === 0) return []
    const keys = selection.keys ? [...new Set(selection.keys)] : await this.#scan(selection.prefix!)
    const items: ConfigurationItem[] = []
    for (let at = 0; at < keys.length; at += BATCH) {
      const some = keys.slice(at, at + BATCH)
      const values = (await this.#client.read(['MGET', ...some])) as (string | null)[]
      some.forEach((key, i) => {
        const value = values[i]
        if (typeof value === 'string') items.push(itemOf(key, value))
      })
    }
    return items
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    const watch = new Watch(this, this.#client, selection, observer, () => this.#watches.delete(watch))
    this.#watches.add(watch)
    watch.begin()
    return watch
  }

  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    const versions: string[] = []
    for (const change of changes) versions.push(await this.#change(change))
    return versions
  }

  async #change({ key, value, expected }: ItemChange): Promise<string> {
    if (key === VERSIONS) throw new ApiError('invalid-argument', `${key} is the store's own`)
    const condition = expected === undefined ? ['0', ''] : ['1', expected]
    const args = [value === undefined ? 'delete' : 'write', value ?? '', ...condition]
    const [outcome, version] = (await CHANGE.run(this.#client, [key, VERSIONS], args)) as [string, string]
    if (outcome === 'done') return version
    const found = version === '' ? 'does not exist' : `is at version ${version}`
    throw new ApiError('conflict', `${JSON.stringify(key)} ${found}, not as expected`)
  }

  /** All keys that begin so and hold strings; others are nobody's configuration. */
  async #scan(prefix: string): Promise<string[]> {
    const pattern = `${prefix.replace(/[*?[\]\\^]/g, '\\$&')}*`
    const keys = new Set<string>()
    let cursor = '0'
    do {
      const [next, some] = (await this.#client.read([
        'SCAN',
        cursor,
        'MATCH',
        pattern,
        'COUNT',
        '1000',
        'TYPE',
        'string',
      ])) as [string, string[]]
      cursor = next
      for (const key of some) if (key !== VERSIONS) keys.add(key)
      if (keys.size > this.#options.maxItems)
        throw new ApiError(
          'exhausted',
          `more than ${this.#options.maxItems} items begin with ${JSON.stringify(prefix)}`,
        )
    } while (cursor !== '0')
    return [...keys]
  }

  /**
   * Sees to it that the server tells of changes; what is lacking where it does not. A server that is restarted has
   * forgotten that it was asked to; what it has not told meanwhile is read.
   */
  async notify(): Promise<StoreFacts['lacks']> {
    const reply = await this.#client.tell(['CONFIG', 'GET', 'notify-keyspace-events'])
    if (reply instanceof ReplyError) {
      if (!this.#options.setNotifications) return undefined
      const why = `the server does not say whether it sends keyspace notifications (${reply.message}); where it does, set setNotifications: false`
      return { 'configuration.subscribe': why, 'configuration.delete-event': why }
    }
    const [, flags = ''] = reply as [string, string]
    const isSet = [...NEEDED].every(flag => flags.includes(flag) || (flag !== 'K' && flags.includes('A')))
    if (isSet) return undefined
    const wanted = [...new Set(flags + NEEDED)].join('')
    const set = this.#options.setNotifications
      ? await this.#client.tell(['CONFIG', 'SET', 'notify-keyspace-events', wanted])
      : undefined
    if (set === 'OK') {
      for (const watch of this.#watches) watch.refresh()
      return undefined
    }
    const why = `the server sends no keyspace notifications (notify-keyspace-events is ${JSON.stringify(flags)}; it needs ${NEEDED})`
    return { 'configuration.subscribe': why, 'configuration.delete-event': why }
  }
}

const BATCH = 500
const AGAIN_MS = 1_000

/** Reads everything at the beginning and whenever something may have been missed, and single items as they are told. */
class Watch implements ConfigurationWatch, Subscriber {
  readonly protocol = 2
  readonly #store: RedisConfigurationStore
  readonly #client: RedisClient
  readonly #selection: Selection
  readonly #observer: ConfigurationObserver
  readonly #onClosed: () => void
  readonly #channels: readonly Buffer[]
  readonly #kind: 'channel' | 'pattern'
  #closed = false
  #away = false
  /** The tail of the queue of what is read: in the order of the notifications. */
  #reading: Promise<void> = Promise.resolve()
  /** Reads that are to come; further ones of everything are one. */
  #allWanted = false
  #cancelRetry: () => void = () => {}

  constructor(
    store: RedisConfigurationStore,
    client: RedisClient,
    selection: Selection,
    observer: ConfigurationObserver,
    onClosed: () => void,
  ) {
    this.#store = store
    this.#client = client
    this.#selection = selection
    this.#observer = observer
    this.#onClosed = onClosed
    this.#kind = selection.keys ? 'channel' : 'pattern'
    const escaped = selection.prefix?.replace(/[*?[\]\\^]/g, '\\$&')
    const names = selection.keys ?? [`${escaped}*`]
    this.#channels = names.map(name => Buffer.from(KEYSPACE + name))
  }

  begin(): void {
    let waiting = this.#channels.length
    if (waiting === 0) return this.#readAll()
    // Away at the beginning: said by the first reading, which need not wait for the subscription.
    this.#readAll()
    for (const channel of this.#channels) {
      const done = () => {
        if (--waiting === 0) this.#readAll()
      }
      this.#client.backend.subscriptions.subscribe(this.#kind, channel, this, done, true)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cancelRetry()
    for (const channel of this.#channels) this.#client.backend.subscriptions.unsubscribe(this.#kind, channel, this)
    this.#onClosed()
  }

  onMessagesBegin(): void {}
  onMessagesEnd(): void {}

  /** A reading tells whether the server is away. */
  onInterrupted(): void {
    this.#readAll()
  }

  onResubscribed(): void {
    this.#store.notify().then(
      () => this.refresh(),
      () => this.refresh(),
    )
  }

  /** Something may have changed without a word. */
  refresh(): void {
    this.#readAll()
  }

  onMessage(message: Buffer): void {
    const parts = decodeReply(message) as string[]
    // message, channel, event; with a pattern that stands before the channel.
    const channel = parts[parts.length - 2]!
    const key = channel.slice(KEYSPACE.length)
    if (key === VERSIONS || !this.#isWanted(key)) return
    this.#enqueue(async () => {
      const [item] = await this.#store.get({ group: '', label: '', keys: [key] })
      if (this.#closed) return
      if (item) this.#observer.onItem(item)
      else this.#observer.onGone({ key, group: '', label: '' })
    })
  }

  #isWanted(key: string): boolean {
    const { keys, prefix } = this.#selection
    return keys ? keys.includes(key) : key.startsWith(prefix)
  }

  #readAll(): void {
    if (this.#allWanted) return
    this.#allWanted = true
    this.#enqueue(async () => {
      this.#allWanted = false
      const items = await this.#store.get(this.#selection)
      if (this.#closed) return
      this.#away = false
      this.#observer.onItems(items)
    })
  }

  #enqueue(read: () => Promise<void>): void {
    this.#reading = this.#reading.then(read).catch(error => this.#onFailed(error as Error))
  }

  #onFailed(error: Error): void {
    if (this.#closed) return
    if (!this.#away) this.#observer.onOutage(error)
    this.#away = true
    this.#cancelRetry()
    this.#cancelRetry = this.#client.clock.after(AGAIN_MS, () => this.#readAll())
  }
}

function itemOf(key: string, stored: string): ConfigurationItem {
  const at = stored.lastIndexOf(MARK)
  // What somebody has written without a version can be compared with as well.
  const [value, version] = at < 0 ? [stored, '0'] : [stored.slice(0, at), stored.slice(at + MARK.length)]
  return { key, group: '', label: '', value, version, contentType: '', metadata: {} }
}
