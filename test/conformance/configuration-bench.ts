/** What the cases of configuration share: the subject, how items are changed, and what a subscriber knows. */
import { expect } from 'vitest'
import type {
  ConfigurationItem,
  ConfigurationObserver,
  ConfigurationStore,
  ItemChange,
  ItemKey,
  Selection,
} from '../../src/apis/index.ts'
import type { Bench, Case, Subject } from './suite.ts'

export interface ConfigurationSubject extends Subject<'configuration'> {
  /** Changes items behind the store's back; needed where the store itself cannot write. */
  seed?(changes: readonly ItemChange[]): Promise<void>
  /** How a key is written that is made of plain letters, digits and `-`, where the store is stricter. */
  readonly keyOf?: (key: string) => string
  /** Keys that this kind of store can hold, beside plain ones; the usual odd names unless said. */
  readonly oddKeys?: readonly string[]
  /** Values that this kind of store can hold; the usual odd ones unless said. */
  readonly oddValues?: readonly string[]
}

export type ConfigurationBench = Bench<'configuration', ConfigurationSubject>
export type ConfigurationCase = Case<'configuration', ConfigurationSubject>

export function keyOf(bench: ConfigurationBench, hint: string): string {
  const key = bench.name(hint)
  return bench.subject.keyOf?.(key) ?? key
}

export const at = (key: string, group = '', label = ''): ItemKey => ({ key, group, label })
export const ofKeys = (...keys: string[]): Selection => ({ keys, group: '', label: '' })
export const ofPrefix = (prefix: string): Selection => ({ prefix, group: '', label: '' })

/** Sets items (deletes those without a value) as the subject can; they are deleted when the case is over. */
export async function put(bench: ConfigurationBench, changes: Readonly<Record<string, string | undefined>>) {
  await seed(
    bench,
    Object.entries(changes).map(([key, value]) => ({ ...at(key), ...(value === undefined ? {} : { value }) })),
  )
}

export async function seed(bench: ConfigurationBench, changes: readonly ItemChange[]): Promise<void> {
  const { store, subject } = bench
  const change = (each: readonly ItemChange[]) => subject.seed?.(each) ?? store.write!(each).then(() => {})
  const canDelete = subject.seed !== undefined || bench.has('configuration.delete')
  if (canDelete) {
    bench.afterwards(() => change(changes.map(({ key, group, label }) => ({ key, group, label }))).catch(() => {}))
  }
  await change(changes)
}

export async function valuesOf(store: ConfigurationStore, selection: Selection) {
  return Object.fromEntries((await store.get(selection)).map(({ key, value }) => [key, value]))
}

/** Asks until the store says so: some notice a moment later what was changed behind their back. */
export async function expectItems(
  bench: ConfigurationBench,
  selection: Selection,
  expected: Readonly<Record<string, string>>,
): Promise<void> {
  const { store } = bench
  await bench.eventually('the items as they are', async () => {
    expect(await valuesOf(store, selection)).toEqual(expected)
    return true
  })
}

/** What a subscriber knows. */
export class View implements ConfigurationObserver {
  readonly items = new Map<string, ConfigurationItem>()
  snapshots = 0
  outages = 0
  told = 0

  constructor(bench: ConfigurationBench, selection: Selection, store = bench.store) {
    const watch = store.watch(selection, this)
    bench.afterwards(() => watch.close())
    this.close = () => watch.close()
  }

  readonly close: () => void

  onItems(items: readonly ConfigurationItem[]): void {
    this.told++
    this.snapshots++
    this.items.clear()
    for (const item of items) this.items.set(item.key, item)
  }

  onItem(item: ConfigurationItem): void {
    this.told++
    this.items.set(item.key, item)
  }

  onGone(key: ItemKey): void {
    this.told++
    this.items.delete(key.key)
  }

  onOutage(): void {
    this.outages++
  }

  get values(): Record<string, string> {
    return Object.fromEntries(Array.from(this.items.values(), ({ key, value }) => [key, value]))
  }
}

/** Waits until the subscriber knows exactly that. */
export async function expectView(bench: ConfigurationBench, view: View, values: Record<string, string>): Promise<void> {
  await bench.eventually('the subscriber knows', () => {
    expect(view.values).toEqual(values)
    return view.snapshots > 0
  })
}
