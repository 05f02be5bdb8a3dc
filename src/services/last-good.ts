/** The last answers of configuration stores, for the time when they cannot be reached. */
import type { ConfigurationItem, Selection } from '../apis/index.ts'
import { placeOf, selectionId } from './selections.ts'

/** Answers at most; those that were not asked for the longest go first. */
const MAX_ANSWERS = 10_000

export class LastGood {
  /** By component and place: the item, or null where there was none. */
  readonly #items = new Map<string, ConfigurationItem | null>()
  /** By component and selection: answers to questions that name no keys. */
  readonly #answers = new Map<string, readonly ConfigurationItem[]>()

  keep(component: string, selection: Selection, items: readonly ConfigurationItem[]): void {
    if (!selection.keys) return put(this.#answers, `${component}\0${selectionId(selection)}`, items)
    const found = new Map(items.map(item => [placeOf(item), item]))
    for (const key of selection.keys) {
      const place = placeOf({ ...selection, key })
      put(this.#items, `${component}\0${place}`, found.get(place) ?? null)
    }
  }

  /** Undefined unless the whole answer is known. */
  recall(component: string, selection: Selection): readonly ConfigurationItem[] | undefined {
    if (!selection.keys) return this.#answers.get(`${component}\0${selectionId(selection)}`)
    const items: ConfigurationItem[] = []
    for (const key of selection.keys) {
      const item = this.#items.get(`${component}\0${placeOf({ ...selection, key })}`)
      if (item === undefined) return undefined
      if (item) items.push(item)
    }
    return items
  }
}

function put<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > MAX_ANSWERS) map.delete(map.keys().next().value!)
}
