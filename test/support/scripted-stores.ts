/** Stores in memory that can be taken away and given back, for what stands above all stores. */
import * as z from 'zod/mini'
import {
  ApiError,
  type ConfigurationItem,
  type ConfigurationObserver,
  type ConfigurationStore,
  type ItemChange,
  type ItemKey,
  type LockHolder,
  type LockRequest,
  type LockStore,
  type OutgoingMessage,
  type PubSubStore,
  type Secret,
  type Selection,
  type SequencerStore,
  type SubscribeOptions,
  type SubscriptionObserver,
} from '../../src/apis/index.ts'
import type { ComponentKind } from '../../src/component.ts'

/** Everything that a store needs to be taken away. */
class Switch {
  isAway = false
  calls = 0

  call(): void {
    this.calls++
    if (this.isAway) throw new ApiError('unavailable', 'the scripted store is away')
  }

  async check() {
    this.call()
    return { version: 'scripted 1' }
  }

  async close(): Promise<void> {}
}

export class ScriptedConfiguration extends Switch implements ConfigurationStore {
  readonly items = new Map<string, ConfigurationItem>()
  readonly observers = new Set<readonly [Selection, ConfigurationObserver]>()
  #version = 0

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    this.call()
    return this.#selected(selection)
  }

  watch(selection: Selection, observer: ConfigurationObserver) {
    const entry = [selection, observer] as const
    this.observers.add(entry)
    queueMicrotask(() => {
      if (this.isAway) observer.onOutage(new Error('away'))
      else observer.onItems(this.#selected(selection))
    })
    return { close: () => void this.observers.delete(entry) }
  }

  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    this.call()
    return changes.map(change => this.#apply(change))
  }

  /** Changes an item behind everybody's back, as while the connection to a store is cut. */
  sneak(key: string, value: string): void {
    const version = String(++this.#version)
    this.items.set(key, { key, group: '', label: '', value, version, contentType: '', metadata: {} })
  }

  leave(): void {
    this.isAway = true
    for (const [, observer] of this.observers) observer.onOutage(new Error('away'))
  }

  comeBack(): void {
    this.isAway = false
    for (const [selection, observer] of this.observers) observer.onItems(this.#selected(selection))
  }

  #apply({ value, expected, key, group, label, contentType = '' }: ItemChange): string {
    const known = this.items.get(key)
    if (expected !== undefined && expected !== (known?.version ?? ''))
      throw new ApiError('conflict', `${key} is at ${known?.version}`)
    if (value === undefined) {
      this.items.delete(key)
      this.#tell(key, observer => observer.onGone({ key, group, label }))
      return ''
    }
    const item = { key, group, label, value, version: String(++this.#version), contentType, metadata: {} }
    this.items.set(key, item)
    this.#tell(key, observer => observer.onItem(item))
    return item.version
  }

  #tell(key: string, tell: (observer: ConfigurationObserver) => void): void {
    for (const [selection, observer] of this.observers) if (isSelected(selection, { key })) tell(observer)
  }

  #selected(selection: Selection): readonly ConfigurationItem[] {
    return [...this.items.values()].filter(item => isSelected(selection, item))
  }
}

export class ScriptedLock extends Switch implements LockStore {
  readonly holders = new Map<string, LockHolder>()
  #token = 0n

  async tryLock({ resource, owner }: LockRequest) {
    this.call()
    if (this.holders.has(resource)) return undefined
    const token = ++this.#token
    this.holders.set(resource, { owner, token })
    return { token }
  }

  async unlock({ resource, owner }: Pick<LockRequest, 'resource' | 'owner'>) {
    this.call()
    const outcome = this.#outcome(resource, owner)
    if (outcome === 'own') this.holders.delete(resource)
    return outcome === 'own' ? ('released' as const) : outcome
  }

  async renew({ resource, owner }: LockRequest) {
    this.call()
    const outcome = this.#outcome(resource, owner)
    return outcome === 'own' ? ('renewed' as const) : outcome
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    this.call()
    return this.holders.get(resource)
  }

  #outcome(resource: string, owner: string) {
    const holder = this.holders.get(resource)
    if (!holder) return 'absent' as const
    return holder.owner === owner ? ('own' as const) : ('others' as const)
  }
}

export class ScriptedSequencer extends Switch implements SequencerStore {
  readonly next = new Map<string, bigint>()

  async reserve(key: string, count: number): Promise<bigint> {
    this.call()
    const first = this.next.get(key) ?? 1n
    this.next.set(key, first + BigInt(count))
    return first
  }
}

export class ScriptedSecrets extends Switch {
  readonly secrets = new Map<string, Secret>()

  async get(name: string): Promise<Secret | undefined> {
    this.call()
    return this.secrets.get(name)
  }

  async list(): Promise<readonly Secret[]> {
    this.call()
    return [...this.secrets.values()]
  }
}

export class ScriptedPubSub extends Switch implements PubSubStore {
  readonly subscribers = new Set<(data: Buffer) => void>()

  async publish(_topic: string, messages: readonly OutgoingMessage[]) {
    this.call()
    for (const { data } of messages) for (const tell of this.subscribers) tell(data)
    return messages.map(() => undefined)
  }

  async subscribe(topic: string, _options: SubscribeOptions, { onMessage }: SubscriptionObserver) {
    this.call()
    const tell = (data: Buffer) =>
      onMessage({ id: '1', topic, data, contentType: '', headers: {}, attempt: 1, settle: () => {} })
    this.subscribers.add(tell)
    return { close: async () => void this.subscribers.delete(tell) }
  }
}

/** One store of each API, and the kinds that open them. */
export class ScriptedStores {
  readonly configuration = new ScriptedConfiguration()
  readonly lock = new ScriptedLock()
  readonly sequencer = new ScriptedSequencer()
  readonly secrets = new ScriptedSecrets()
  readonly pubsub = new ScriptedPubSub()

  get kinds(): readonly ComponentKind[] {
    // Different editions are different components to a reload.
    const options = () => z.strictObject({ edition: z.optional(z.int()) })
    return [
      {
        api: 'configuration',
        type: 'scripted',
        features: [
          'configuration.get',
          'configuration.list',
          'configuration.subscribe',
          'configuration.delete-event',
          'configuration.write',
          'configuration.delete',
          'configuration.cas',
        ],
        options,
        open: async () => this.configuration,
      } satisfies ComponentKind<'configuration'>,
      {
        api: 'lock',
        type: 'scripted',
        features: ['lock.try', 'lock.wait', 'lock.renew', 'lock.fencing', 'lock.owner-query', 'lock.loss-event'],
        options,
        open: async () => this.lock,
      } satisfies ComponentKind<'lock'>,
      {
        api: 'sequencer',
        type: 'scripted',
        features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
        options,
        open: async () => this.sequencer,
      } satisfies ComponentKind<'sequencer'>,
      {
        api: 'secrets',
        type: 'scripted',
        features: ['secrets.get', 'secrets.bulk'],
        options,
        open: async () => this.secrets,
      } satisfies ComponentKind<'secrets'>,
      {
        api: 'pubsub',
        type: 'scripted',
        features: ['pubsub.publish', 'pubsub.group', 'pubsub.retry'],
        options,
        open: async () => this.pubsub,
      } satisfies ComponentKind<'pubsub'>,
    ] as unknown as readonly ComponentKind[]
  }
}

function isSelected(selection: Selection, { key }: Pick<ItemKey, 'key'>): boolean {
  return selection.keys ? selection.keys.includes(key) : key.startsWith(selection.prefix)
}
