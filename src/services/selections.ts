/** Which items of a configuration a call asks for, as text to find it by. */
import type { ItemKey, Selection } from '../apis/index.ts'

/** Equal for selections of the same items. */
export function selectionId({ group, label, keys, prefix }: Selection): string {
  return JSON.stringify([group, label, prefix ?? [...new Set(keys)].sort()])
}

/** Equal for the same place. */
export function placeOf({ key, group, label }: ItemKey): string {
  return group === '' && label === '' ? key : `${key}\0${group}\0${label}`
}
