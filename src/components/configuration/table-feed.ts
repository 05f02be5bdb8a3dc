/**
 * Tells watches what changes: one look at the head of the tables at each interval for all of them together, the changes
 * themselves only when it has moved. One round follows the other, so that nothing overtakes anything.
 */
import type { ConfigurationObserver, ConfigurationWatch, ItemKey, Selection } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { type Change, type ChangeTables, isSame, type Position } from './table-changes.ts'

export class ConfigurationFeed {
  readonly #tables: ChangeTables
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #watches = new Set<Watch>()
  /** All watches that are not stale know what came up to this. */
  #seen: Position | undefined
  #isRunning = false
  /** Somebody cannot wait for the next round. */
  #isHurried = false
  #cancel: () => void = () => {}

  constructor(tables: ChangeTables, clock: Clock, intervalMs: number) {
    this.#tables = tables
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    const watch = new Watch(selection, observer)
    this.#watches.add(watch)
    this.hurry()
    return {
      close: () => {
        watch.isClosed = true
        this.#watches.delete(watch)
      },
    }
  }

  /** Looks now. */
  hurry(): void {
    this.#isHurried = true
    this.#cancel()
    if (!this.#isRunning) void this.#run()
  }

  close(): void {
    for (const watch of this.#watches) watch.isClosed = true
    this.#watches.clear()
    this.#cancel()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#isHurried) {
      this.#isHurried = false
      await this.#round()
    }
    this.#isRunning = false
    if (this.#watches.size === 0) return
    this.#cancel = this.#clock.after(this.#intervalMs, () => this.hurry())
  }

  /** Never rejects. */
  async #round(): Promise<void> {
    if (this.#watches.size === 0) {
      this.#seen = undefined
      return
    }
    try {
      await this.#follow()
    } catch (error) {
      // All of them read everything anew, whatever has come meanwhile.
      this.#seen = undefined
      for (const watch of this.#watches) watch.fail(error as Error)
      return
    }
    for (const watch of [...this.#watches]) {
      if (watch.isStale) await watch.read(this.#tables).catch(error => watch.fail(error))
    }
  }

  async #follow(): Promise<void> {
    const head = await this.#tables.head()
    const seen = this.#seen
    if (seen && isSame(seen, head)) return
    const changes = seen && (await this.#tables.since(seen))
    // Later than the head that was asked for, if something has come meanwhile.
    this.#seen = changes?.at(-1) ?? head
    for (const watch of this.#watches) {
      if (changes) for (const change of changes) watch.tell(change)
      else watch.isStale = true
    }
  }
}

class Watch {
  isClosed = false
  /** Everything has to be read: at the beginning, and when changes may have been missed. */
  isStale = true
  /** What it has read is as of this change. */
  #at: Position | undefined
  #isAway = false
  readonly #selection: Selection
  readonly #observer: ConfigurationObserver

  constructor(selection: Selection, observer: ConfigurationObserver) {
    this.#selection = selection
    this.#observer = observer
  }

  async read(tables: ChangeTables): Promise<void> {
    const { at, items } = await tables.read(this.#selection)
    if (this.isClosed) return
    this.#at = at
    this.isStale = false
    this.#isAway = false
    this.#observer.onItems(items)
  }

  tell({ revision, key, item }: Change): void {
    if (this.isClosed || this.isStale || revision <= this.#at!.revision || !this.#selects(key)) return
    if (item) this.#observer.onItem(item)
    else this.#observer.onGone(key)
  }

  fail(error: Error): void {
    if (this.isClosed) return
    this.isStale = true
    if (!this.#isAway) this.#observer.onOutage(error)
    this.#isAway = true
  }

  #selects({ key, group, label }: ItemKey): boolean {
    const { keys, prefix } = this.#selection
    if (group !== this.#selection.group || label !== this.#selection.label) return false
    return keys ? keys.includes(key) : key.startsWith(prefix!)
  }
}
