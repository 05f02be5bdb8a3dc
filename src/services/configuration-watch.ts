/**
 * One watch of a store, shared by all who watch the same items. It knows the items as they are, so what a store says too
 * often is no event, and what it could not say during an outage is made up for by comparing.
 */
import type { ConfigurationItem, ConfigurationStore, ConfigurationWatch, ItemKey, Selection } from '../apis/index.ts'
import { placeOf } from './selections.ts'

export interface ConfigurationSubscriber {
  onChange(items: readonly ConfigurationItem[], gone: readonly ItemKey[]): void
  /** Whether the store can be reached has changed. */
  onStale(stale: boolean): void
  /** Nothing is told any more: the component is gone. */
  onEnd(error: Error): void
}

export class SharedConfigurationWatch {
  readonly selection: Selection
  readonly #items = new Map<string, ConfigurationItem>()
  readonly #subscribers = new Set<ConfigurationSubscriber>()
  #watch: ConfigurationWatch | undefined
  #store: ConfigurationStore | undefined
  #ready = false
  #stale = false
  #outage: Error | undefined
  #waiting: ((error?: Error) => void)[] = []

  constructor(selection: Selection) {
    this.selection = selection
  }

  /** Watches that store from now on; what differs from the one before is told as changes. */
  bind(store: ConfigurationStore): void {
    if (this.#store === store) return
    const before = this.#watch
    this.#store = store
    // What the old store may still say must not be taken for the new one's.
    const only = (tell: () => void) => {
      if (this.#store === store) tell()
    }
    this.#watch = store.watch(this.selection, {
      onItems: items => only(() => this.#onItems(items)),
      onItem: item => only(() => this.#onItem(item)),
      onGone: key => only(() => this.#onGone(key)),
      onOutage: error => only(() => this.#onOutage(error)),
    })
    before?.close()
  }

  /** The items as they are; of use once ready() has resolved. */
  get items(): readonly ConfigurationItem[] {
    return [...this.#items.values()]
  }

  /** Whether the items are known. */
  get isReady(): boolean {
    return this.#ready
  }

  /** Whether the store cannot be reached, so that the items may be out of date. */
  get stale(): boolean {
    return this.#stale
  }

  get subscribers(): number {
    return this.#subscribers.size
  }

  /** Resolves when the items are known; rejects when the store cannot be reached, or the time is over. */
  ready(timeoutMs: number): Promise<void> {
    if (this.#ready) return Promise.resolve()
    if (this.#outage) return Promise.reject(this.#outage)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error(`the store did not answer within ${timeoutMs} ms`)), timeoutMs)
      const settle = (error?: Error) => {
        clearTimeout(timer)
        this.#waiting = this.#waiting.filter(each => each !== settle)
        if (error) reject(error)
        else resolve()
      }
      this.#waiting.push(settle)
    })
  }

  subscribe(subscriber: ConfigurationSubscriber): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  /** Tells all who still watch why. */
  close(error: Error): void {
    this.#store = undefined
    this.#watch?.close()
    for (const settle of [...this.#waiting]) settle(error)
    for (const subscriber of [...this.#subscribers]) subscriber.onEnd(error)
  }

  #onItems(items: readonly ConfigurationItem[]): void {
    const now = new Map(items.map(item => [placeOf(item), item]))
    const gone = [...this.#items].filter(([place]) => !now.has(place)).map(([, item]) => item)
    const changed = items.filter(item => !same(this.#items.get(placeOf(item)), item))
    for (const item of gone) this.#items.delete(placeOf(item))
    for (const item of changed) this.#items.set(placeOf(item), item)
    const first = !this.#ready
    this.#ready = true
    this.#outage = undefined
    for (const settle of [...this.#waiting]) settle()
    this.#setStale(false)
    if (!first) this.#tell(changed, gone)
  }

  #onItem(item: ConfigurationItem): void {
    if (same(this.#items.get(placeOf(item)), item)) return
    this.#items.set(placeOf(item), item)
    this.#tell([item], [])
  }

  #onGone(key: ItemKey): void {
    const item = this.#items.get(placeOf(key))
    if (!item) return
    this.#items.delete(placeOf(key))
    this.#tell([], [item])
  }

  #onOutage(error: Error): void {
    this.#outage = error
    for (const settle of [...this.#waiting]) settle(error)
    this.#setStale(true)
  }

  #setStale(stale: boolean): void {
    if (this.#stale === stale) return
    this.#stale = stale
    if (this.#ready) for (const subscriber of [...this.#subscribers]) subscriber.onStale(stale)
  }

  #tell(items: readonly ConfigurationItem[], gone: readonly ItemKey[]): void {
    if (items.length === 0 && gone.length === 0) return
    for (const subscriber of [...this.#subscribers]) subscriber.onChange(items, gone)
  }
}

/** A store without versions changes an item when it changes the value. */
function same(known: ConfigurationItem | undefined, item: ConfigurationItem): boolean {
  if (!known || known.value !== item.value || known.version !== item.version) return false
  return known.contentType === item.contentType
}
