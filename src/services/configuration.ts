/** Configuration for applications: reads that survive an outage, shared watches, conditional writes. */
import {
  ApiError,
  type ConfigurationItem,
  type FeatureId,
  type ItemChange,
  type ItemKey,
  type Selection,
} from '../apis/index.ts'
import type { Component } from '../component.ts'
import type { Clock } from '../protocol.ts'
import { type ConfigurationSubscriber, SharedConfigurationWatch } from './configuration-watch.ts'
import type { Directory } from './directory.ts'
import { LastGood } from './last-good.ts'
import { selectionId } from './selections.ts'

/** How long a new watch may take until the items are known. */
const READY_MS = 5_000
/** A watch that nobody uses is kept so long, so that reads from it stay fast. */
const IDLE_MS = 60_000
const MAX_WATCHES = 1_000

const CLOSED = new ApiError('unavailable', 'the watch was closed')

export interface ConfigurationAnswer {
  readonly items: readonly ConfigurationItem[]
  /** The store could not be reached: these are the last values known. */
  readonly stale: boolean
}

interface Entry {
  readonly component: string
  readonly watch: SharedConfigurationWatch
  usedAt: number
}

export class ConfigurationService {
  readonly #directory: Directory
  readonly #clock: Clock
  readonly #watches = new Map<string, Entry>()
  readonly #lastGood = new LastGood()
  readonly #stopSweep: () => void

  constructor(directory: Directory, clock: Clock) {
    this.#directory = directory
    this.#clock = clock
    this.#stopSweep = clock.every(IDLE_MS / 4, () => this.#sweep())
  }

  /** Asks the store; while it cannot be reached, what it said last, if all of that is known. */
  async get(name: string, selection: Selection): Promise<ConfigurationAnswer> {
    const component = this.#find(name, selection)
    try {
      const items = await component.store.get(selection)
      this.#lastGood.keep(name, selection, items)
      return { items, stale: false }
    } catch (error) {
      if (!(error instanceof ApiError) || !isOutage(error)) throw error
      const items = this.#watches.get(entryId(name, selection))?.watch
      const known = items?.isReady ? items.items : this.#lastGood.recall(name, selection)
      if (!known) throw error
      return { items: known, stale: true }
    }
  }

  /** Answers from a watch, without asking the store; the first call for these items opens it. */
  getFromSnapshot(name: string, selection: Selection): ConfigurationAnswer | Promise<ConfigurationAnswer> {
    const { watch } = this.#entry(name, selection)
    if (watch.isReady) return { items: watch.items, stale: watch.stale }
    return this.#ready(watch).then(() => ({ items: watch.items, stale: watch.stale }))
  }

  /**
   * Resolves with the items as they are once every later change is sure to be told. Call the second value to end it.
   * Rejects with `unavailable` when the store cannot be reached by now.
   */
  async watch(
    name: string,
    selection: Selection,
    subscriber: ConfigurationSubscriber,
  ): Promise<readonly [readonly ConfigurationItem[], () => void]> {
    const entry = this.#entry(name, selection)
    // Subscribed before the wait, so that the watch is not swept meanwhile.
    let telling = false
    const end = entry.watch.subscribe({
      onChange: (items, gone) => void (telling && subscriber.onChange(items, gone)),
      onStale: stale => void (telling && subscriber.onStale(stale)),
      onEnd: error => void (telling && subscriber.onEnd(error)),
    })
    try {
      await this.#ready(entry.watch)
    } catch (error) {
      end()
      throw error
    }
    telling = true
    return [entry.watch.items, end]
  }

  /** The versions of what was written. */
  async write(name: string, changes: readonly ItemChange[]): Promise<readonly string[]> {
    const component = this.#directory.find('configuration', name)
    this.#directory.require(component, ...changes.flatMap(featuresOfChange))
    if (!component.store.write) throw new ApiError('internal', `component ${name} says that it can write, but cannot`)
    return component.store.write(changes)
  }

  async history(name: string, key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    const component = this.#directory.find('configuration', name)
    this.#directory.require(component, 'configuration.history', ...featuresOfPlace(key))
    return component.store.history!(key, limit)
  }

  /** Moves the watches to the components as they are now, after a reload. */
  rebind(): void {
    for (const [id, { component, watch }] of this.#watches) {
      const now = this.#directory.peek('configuration', component)
      if (now) watch.bind(now.store)
      else this.#drop(id, new ApiError('not-found', `component ${component} is not configured any more`))
    }
  }

  close(): void {
    this.#stopSweep()
    for (const id of [...this.#watches.keys()]) this.#drop(id, CLOSED)
  }

  #find(name: string, selection: Selection): Component<'configuration'> {
    const component = this.#directory.find('configuration', name)
    this.#directory.require(component, ...featuresOfSelection(selection))
    return component
  }

  #entry(name: string, selection: Selection): Entry {
    const id = entryId(name, selection)
    const known = this.#watches.get(id)
    if (known) {
      known.usedAt = this.#clock.now()
      return known
    }
    const component = this.#find(name, selection)
    this.#directory.require(component, 'configuration.subscribe')
    if (this.#watches.size >= MAX_WATCHES) this.#sweep()
    if (this.#watches.size >= MAX_WATCHES) {
      throw new ApiError('exhausted', `more than ${MAX_WATCHES} different selections of items are being watched`)
    }
    const entry = { component: name, watch: new SharedConfigurationWatch(selection), usedAt: this.#clock.now() }
    this.#watches.set(id, entry)
    entry.watch.bind(component.store)
    return entry
  }

  async #ready(watch: SharedConfigurationWatch): Promise<void> {
    try {
      await watch.ready(READY_MS)
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError('unavailable', (error as Error).message, { cause: error })
    }
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const [id, { watch, usedAt }] of this.#watches) {
      if (watch.subscribers === 0 && now - usedAt > IDLE_MS) this.#drop(id, CLOSED)
    }
  }

  #drop(id: string, error: Error): void {
    this.#watches.get(id)?.watch.close(error)
    this.#watches.delete(id)
  }
}

function entryId(name: string, selection: Selection): string {
  return `${name}\0${selectionId(selection)}`
}

/** An answer that never came is no answer either; reading again does no harm. */
function isOutage(error: ApiError): boolean {
  return error.code === 'unavailable' || error.code === 'unknown'
}

function featuresOfSelection({ keys, prefix, group, label }: Selection): FeatureId[] {
  const features: FeatureId[] = keys
    ? ['configuration.get']
    : [prefix === '' ? 'configuration.list' : 'configuration.prefix']
  return [...features, ...featuresOfPlace({ group, label })]
}

function featuresOfPlace({ group, label }: Pick<ItemKey, 'group' | 'label'>): FeatureId[] {
  return [...(group ? (['configuration.group'] as const) : []), ...(label ? (['configuration.label'] as const) : [])]
}

function featuresOfChange({ value, contentType, expected, ...place }: ItemChange): FeatureId[] {
  return [
    value === undefined ? 'configuration.delete' : 'configuration.write',
    ...(expected === undefined ? [] : (['configuration.cas'] as const)),
    ...(contentType ? (['configuration.content-type'] as const) : []),
    ...featuresOfPlace(place),
  ]
}
