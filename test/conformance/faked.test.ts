/**
 * Shows that the suites can fail: for each feature there is a store that claims it without having it, and a case that
 * the store does not pass.
 */
import { describe, expect, test } from 'vitest'
import {
  ApiError,
  type ApiName,
  type ConfigurationStore,
  FEATURES,
  type FeatureId,
  type PubSubStore,
  type Secret,
  type SecretsStore,
  type SequencerStore,
  type Stores,
} from '../../src/apis/index.ts'
import { memoryConfiguration } from '../../src/components/configuration/memory.ts'
import { memoryLock } from '../../src/components/lock/memory.ts'
import { memoryPubSub } from '../../src/components/pubsub/memory.ts'
import { memorySequencer } from '../../src/components/sequencer/memory.ts'
import { openStore } from '../components/open.ts'
import { GREETER, GreeterInvoke } from '../support/greeter-invoke.ts'
import { configurationCases } from './configuration.ts'
import { type InvokeSubject, invokeCases } from './invoke.ts'
import { lockCases } from './lock.ts'
import { pubsubCases } from './pubsub.ts'
import { secretsCases } from './secrets.ts'
import { sequencerCases } from './sequencer.ts'
import { type Case, concerns, examine, passing, type Subject } from './suite.ts'

type Fake<Store> = (store: Store) => Partial<Store>
type Fakes<Api extends ApiName> = Readonly<Record<FeatureId, Fake<Stores[Api]>>>

/** The store with some of its methods replaced. */
function faked<Store extends object>(store: Store, fake: Fake<Store>): Store {
  const replaced: Partial<Store> = fake(store)
  return new Proxy(store, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name)
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A server that can be taken away; it comes back with all it had, or with nothing. */
class Server<Api extends ApiName> {
  readonly #open: (name: string) => Promise<Stores[Api]>
  readonly #forgets: boolean
  #away = false
  #life = 0
  readonly #name = Math.random().toString(36)

  constructor(open: (name: string) => Promise<Stores[Api]>, forgets = false) {
    this.#open = open
    this.#forgets = forgets
  }

  async open(): Promise<Stores[Api]> {
    const lives = new Map<number, Stores[Api]>()
    const first = await this.#open(`${this.#name}-0`)
    lives.set(0, first)
    return new Proxy(first, {
      get: (_, method) => {
        if (typeof Reflect.get(first, method) !== 'function') return undefined
        return async (...args: unknown[]) => {
          if (method === 'close') return Promise.all(Array.from(lives.values(), store => store.close()))
          if (this.#away) throw new ApiError('unavailable', 'the server is away')
          const life = this.#forgets ? this.#life : 0
          const store = lives.get(life) ?? (await this.#open(`${this.#name}-${life}`))
          lives.set(life, store)
          return Reflect.apply(Reflect.get(store, method) as () => unknown, store, args)
        }
      },
    })
  }

  readonly restart = {
    stop: async () => {
      this.#away = true
    },
    start: async () => {
      this.#away = false
      this.#life++
    },
  }
}

/** Titles of the cases about the feature that the subject does not pass. */
async function failures<Api extends ApiName, S extends Subject<Api>>(
  cases: readonly Case<Api, S>[],
  subject: S,
  feature: FeatureId,
): Promise<string[]> {
  const failed: string[] = []
  for (const each of cases) {
    if (!concerns(each, subject) || !each.needs.includes(feature)) continue
    await examine(each, subject).catch(() => failed.push(each.title))
    if (failed.length > 0) break
  }
  return failed
}

/** Each feature of the API, `above` excepted: those are made by the layers above the stores. */
function eachFeature<Api extends ApiName, S extends Subject<Api>>(
  api: Api,
  cases: readonly Case<Api, S>[],
  subject: S,
  fakes: Fakes<Api>,
  above: readonly FeatureId[] = [],
): void {
  describe(api, () => {
    test('every feature is faked once', () => {
      expect([...Object.keys(fakes), ...above].toSorted()).toEqual(Object.keys(FEATURES[api]).toSorted())
    })
    for (const [feature, fake] of Object.entries(fakes) as [FeatureId, Fake<Stores[Api]>][]) {
      test(feature, async () => {
        const features = [...new Set([...subject.features, feature])]
        const open = async () => faked(await subject.open(), fake)
        expect(await failures(cases, { ...subject, features, open, patienceMs: 300 }, feature)).toHaveLength(1)
      })
    }
  })
}

eachFeature<'configuration', Subject<'configuration'>>(
  'configuration',
  configurationCases,
  { features: memoryConfiguration.features, open: () => openStore(memoryConfiguration, {}, { name: 'faked' }) },
  {
    'configuration.get': () => ({ get: async () => [] }),
    'configuration.list': store => ({
      get: async selection => (selection.prefix === '' ? [] : store.get(selection)),
    }),
    'configuration.prefix': store => ({
      get: async selection => {
        if (!selection.prefix) return store.get(selection)
        const pattern = new RegExp(`^${selection.prefix.replace(/[?*[\\]$/, '.')}`)
        return (await store.get({ ...selection, prefix: '' })).filter(item => pattern.test(item.key))
      },
    }),
    'configuration.subscribe': store => ({
      watch(selection, observer) {
        void store.get(selection).then(items => observer.onItems(items))
        return { close() {} }
      },
    }),
    'configuration.delete-event': store => ({
      watch: (selection, observer) =>
        store.watch(selection, {
          onItems: items => observer.onItems(items),
          onItem: item => observer.onItem(item),
          onGone() {},
          onOutage() {},
        }),
    }),
    'configuration.write': () => ({ write: async changes => changes.map((_, i) => String(i)) }),
    'configuration.delete': store => ({
      write: async changes => {
        await store.write!(changes.filter(change => change.value !== undefined))
        return changes.map(() => '')
      },
    }),
    'configuration.cas': readsThenWrites,
    'configuration.group': store => ({
      get: selection => store.get({ ...selection, group: '' }),
      write: changes => store.write!(changes.map(change => ({ ...change, group: '' }))),
    }),
    'configuration.label': store => ({
      get: async selection => {
        const items = await store.get({ ...selection, label: '' })
        return items.map(item => ({ ...item, label: selection.label }))
      },
      write: changes => store.write!(changes.map(change => ({ ...change, label: '' }))),
    }),
    'configuration.content-type': store => ({
      get: async selection => (await store.get(selection)).map(item => ({ ...item, contentType: '' })),
    }),
    'configuration.history': store => ({ history: async key => store.history!(key, 1) }),
  },
  ['configuration.snapshot'],
)

/** Compares as it must, but somebody else may write in between. */
function readsThenWrites(store: ConfigurationStore): Partial<ConfigurationStore> {
  return {
    async write(changes) {
      for (const { key, group, label, expected } of changes) {
        const [item] = await store.get({ keys: [key], group, label })
        if (expected !== undefined && expected !== (item?.version ?? ''))
          throw new ApiError('conflict', 'has another version')
      }
      await passing(1)
      return store.write!(changes.map(({ expected: _, ...change }) => change))
    },
  }
}

const forgetful = new Server<'lock'>(name => openStore(memoryLock, {}, { name }), true)

eachFeature<'lock', Subject<'lock'> & { leaseMs: number }>(
  'lock',
  lockCases,
  {
    features: memoryLock.features,
    leaseMs: 60,
    open: () => forgetful.open(),
    restart: forgetful.restart,
  },
  {
    'lock.try': () => ({ tryLock: async () => ({ token: 1n }) }),
    'lock.wait': () => ({ whenFree: () => new Promise(() => {}) }),
    'lock.renew': () => ({ renew: async () => 'renewed' as const }),
    'lock.fencing': store => ({
      tryLock: async request => {
        const grant = await store.tryLock(request)
        return grant && { ...grant, token: 1n }
      },
    }),
    'lock.owner-query': () => ({ holder: async () => undefined }),
    'lock.loss-event': () => ({ renew: async () => 'renewed' as const }),
    // The server it is on comes back without its data.
    'lock.linearizable': () => ({}),
  },
)

test('a lock server that comes back with its data passes', async () => {
  const server = new Server<'lock'>(name => openStore(memoryLock, {}, { name }))
  const features: FeatureId[] = [...memoryLock.features, 'lock.linearizable']
  const subject = { features, leaseMs: 60, open: () => server.open(), restart: server.restart }
  const outages = lockCases.filter(({ outage }) => outage)
  expect(outages.length).toBeGreaterThan(1)
  for (const each of outages) await examine(each, subject)
})

eachFeature<'sequencer', Subject<'sequencer'>>(
  'sequencer',
  sequencerCases,
  { features: memorySequencer.features, open: () => openStore(memorySequencer, {}, { name: 'faked' }) },
  {
    'sequencer.unique': () => ({ reserve: async () => 1n }),
    'sequencer.monotonic-weak': store => ({
      // 1, 3, 2, 5, 4 ...
      async reserve(key, count) {
        const next = await store.reserve(key, count)
        return next === 1n ? next : next % 2n === 0n ? next + 1n : next - 1n
      },
    }),
    'sequencer.monotonic-strong': inBlocks,
    'sequencer.segment': store => ({ reserve: key => store.reserve(key, 1) }),
  },
)

/** Each store gives out numbers of a block of its own: no duplicates, but no order between stores either. */
function inBlocks(store: SequencerStore): Partial<SequencerStore> {
  const blocks = new Map<string, bigint>()
  return {
    async reserve(key) {
      const next = blocks.get(key)
      const first = next !== undefined && next % 10n !== 1n ? next : await store.reserve(key, 10)
      blocks.set(key, first + 1n)
      return first
    },
  }
}

/** Secrets with all features, in memory. */
class VersionedSecrets implements SecretsStore {
  readonly versions = new Map<string, (Secret | undefined)[]>()
  readonly watchers = new Set<(names: readonly string[]) => void>()

  readonly put = async (name: string, values: Readonly<Record<string, string>> | undefined) => {
    const versions = this.versions.get(name) ?? []
    versions.push(values && { name, values, version: String(versions.length + 1) })
    this.versions.set(name, versions)
    for (const onChange of this.watchers) onChange([name])
  }

  async get(name: string, version?: string): Promise<Secret | undefined> {
    const versions = this.versions.get(name) ?? []
    return version ? versions.find(secret => secret?.version === version) : versions.at(-1)
  }

  async list(): Promise<readonly Secret[]> {
    return Array.from(this.versions.values()).flatMap(versions => versions.at(-1) ?? [])
  }

  watch(onChange: (names: readonly string[]) => void) {
    this.watchers.add(onChange)
    return { close: () => void this.watchers.delete(onChange) }
  }

  async check() {
    return {}
  }

  async close() {}
}

const secrets = new VersionedSecrets()

eachFeature<'secrets', Subject<'secrets'> & Pick<VersionedSecrets, 'put'>>(
  'secrets',
  secretsCases,
  { features: Object.keys(FEATURES.secrets) as FeatureId[], open: async () => secrets, put: secrets.put },
  {
    'secrets.get': () => ({ get: async () => undefined }),
    'secrets.bulk': () => ({ list: async () => [] }),
    'secrets.multi-value': store => ({
      get: async (name, version) => {
        const secret = await store.get(name, version)
        return secret && { ...secret, values: { [name]: Object.values(secret.values)[0]! } }
      },
    }),
    'secrets.version': store => ({ get: name => store.get(name) }),
    'secrets.change-event': () => ({ watch: () => ({ close() {} }) }),
  },
)

test('secrets with all features pass', async () => {
  const features = Object.keys(FEATURES.secrets) as FeatureId[]
  const subject = { features, open: async () => secrets, put: secrets.put }
  for (const each of secretsCases) if (concerns(each, subject)) await examine(each, subject)
})

eachFeature<'pubsub', Subject<'pubsub'>>(
  'pubsub',
  pubsubCases,
  { features: memoryPubSub.features, open: () => openStore(memoryPubSub, {}, { name: 'faked' }) },
  {
    'pubsub.publish': () => ({ publish: async (_, messages) => messages.map(() => undefined) }),
    'pubsub.bulk': store => ({
      publish: async (topic, messages) => {
        await store.publish(topic, messages.slice(0, 1))
        return messages.map(() => undefined)
      },
    }),
    'pubsub.headers': store => ({
      publish: (topic, messages) =>
        store.publish(
          topic,
          messages.map(message => ({ ...message, headers: {} })),
        ),
    }),
    'pubsub.ordering-key': slowly,
    'pubsub.delay': store => ({
      publish: (topic, messages) =>
        store.publish(
          topic,
          messages.map(({ delayMs: _, ...message }) => message),
        ),
    }),
    'pubsub.ttl': store => ({
      publish: (topic, messages) =>
        store.publish(
          topic,
          messages.map(({ ttlMs: _, ...message }) => message),
        ),
    }),
    'pubsub.group': store => ({
      subscribe: (topic, { group: _, ...options }, observer) => store.subscribe(topic, options, observer),
    }),
    'pubsub.broadcast': store => ({
      subscribe: (topic, options, observer) => store.subscribe(topic, { group: 'all', ...options }, observer),
    }),
    'pubsub.retry': store => ({
      subscribe: (topic, options, observer) =>
        store.subscribe(topic, options, {
          onOutage() {},
          onMessage: delivery => observer.onMessage({ ...delivery, settle: () => delivery.settle('drop') }),
        }),
    }),
    'pubsub.dead-letter': store => ({
      subscribe: (topic, options, observer) =>
        store.subscribe(topic, options, {
          onOutage() {},
          onMessage: ({ attempt: _, ...delivery }) => observer.onMessage(delivery),
        }),
    }),
    'pubsub.replay': store => ({
      subscribe: (topic, options, observer) => store.subscribe(topic, { ...options, from: 'new' }, observer),
    }),
    'pubsub.wildcard': store => ({
      subscribe: (topic, options, observer) => store.subscribe(topic.replace('+', '#'), options, observer),
    }),
  },
)

/** Loses the key, and is slow with every other delivery. */
function slowly(store: PubSubStore): Partial<PubSubStore> {
  let delivered = 0
  return {
    publish: (topic, messages) =>
      store.publish(
        topic,
        messages.map(({ orderingKey, ...message }) => ({ ...message, headers: { key: orderingKey! } })),
      ),
    subscribe: (topic, options, observer) =>
      store.subscribe(topic, options, {
        onOutage() {},
        onMessage: delivery => {
          const keyed = { ...delivery, orderingKey: delivery.headers.key! }
          if (delivered++ % 3 === 0) setTimeout(() => observer.onMessage(keyed), 5)
          else observer.onMessage(keyed)
        },
      }),
  }
}

/** Each time a service and applications of their own. */
function invokeSubject(): InvokeSubject {
  const store = new GreeterInvoke()
  return {
    features: Object.keys(FEATURES.invoke) as FeatureId[],
    open: async () => store,
    service: GREETER,
    pair: { calls: () => [...store.calls], stopFirst: store.stopFirst },
    registry: store,
    apps: { http: 'http', grpc: 'grpc' },
  }
}

eachFeature<'invoke', InvokeSubject>('invoke', invokeCases, invokeSubject(), {
  'invoke.generic': () => ({ call: async () => ({ value: null, attachments: {} }) }),
  'invoke.argument-types': store => ({ call: ({ types: _, ...invocation }) => store.call!(invocation) }),
  'invoke.attachments': store => ({ call: invocation => store.call!({ ...invocation, attachments: {} }) }),
  'invoke.versions': store => ({ call: invocation => store.call!({ ...invocation, group: '', version: '' }) }),
  'invoke.balancing': () => ({ call: async () => ({ value: 'Hello x', attachments: {} }) }),
  'invoke.discovery': () => ({ call: async () => ({ value: 'Hello x', attachments: {} }) }),
  'invoke.http': () => ({ request: async () => ({ status: 200, headers: {}, body: Buffer.alloc(0) }) }),
  'invoke.grpc': () => ({
    grpc(_app, _path, _metadata, _deadline, observer) {
      queueMicrotask(() => observer.onStatus({ code: 0, details: '', trailers: [] }))
      return { write: () => true, onDrain() {}, end() {}, cancel() {}, pause() {}, resume() {} }
    },
  }),
})

test('invoke with all features passes', async () => {
  for (const each of invokeCases) if (concerns(each, invokeSubject())) await examine(each, invokeSubject())
})
