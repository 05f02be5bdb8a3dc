/**
 * Where an item stands in a store of paths: `<prefix>/<group>/<label>/<key>`, or `<prefix>/<key>` without groups.
 * No group, and no label, is written `default`, as Layotto does.
 */
import * as z from 'zod/mini'
import { ApiError, type ItemKey, type StoreFacts } from '../../apis/index.ts'
import { described } from '../../config/index.ts'

/** The options of a component whose items stand at paths. */
export function pathOptions(prefix: string) {
  return {
    prefix: z
      ._default(z.string().check(z.regex(/^\/.*[^/]$/, 'must begin with / and not end with it')), prefix)
      .apply(described('The beginning of the path of every item.')),
    groups: z
      ._default(z.boolean(), true)
      .apply(
        described(
          'Whether items stand at `<prefix>/<group>/<label>/<key>`, `default` for no group or label; without, at `<prefix>/<key>`.',
        ),
      ),
  }
}

export interface PathOptions {
  readonly prefix: string
  readonly groups: boolean
}

const WITHOUT_GROUPS = 'the component is configured with `groups: false`'

/** How a key is written at the end of a path, and a group or label within. */
export interface PathNotation {
  key(key: string): string
  keyOf(written: string): string
  segment(name: string): string
  /** Between prefix, group, label and key; a slash where it is left out. */
  readonly separator?: string
}

/** A key stands as it is; within, a slash would be the end of it. */
const PLAIN: PathNotation = {
  key: key => key,
  keyOf: written => written,
  segment: name => name.replaceAll('%', '%25').replaceAll('/', '%2F'),
}

export class ItemPaths {
  readonly #prefix: string
  readonly #groups: boolean
  readonly #notation: PathNotation
  readonly #separator: string

  constructor({ prefix, groups }: PathOptions, notation = PLAIN) {
    this.#prefix = prefix
    this.#groups = groups
    this.#notation = notation
    this.#separator = notation.separator ?? '/'
  }

  /** What these paths have no place for. */
  get facts(): Pick<StoreFacts, 'lacks'> {
    if (this.#groups) return {}
    return { lacks: { 'configuration.group': WITHOUT_GROUPS, 'configuration.label': WITHOUT_GROUPS } }
  }

  pathOf(item: ItemKey): string {
    return `${this.folderOf(item)}${this.#separator}${this.#notation.key(item.key)}`
  }

  /** Below which all items of that group and label stand. */
  folderOf({ group, label }: Omit<ItemKey, 'key'>): string {
    if (this.#groups) return [this.#prefix, this.#segment(group), this.#segment(label)].join(this.#separator)
    if (group !== '') throw new ApiError('feature-missing', WITHOUT_GROUPS, { feature: 'configuration.group' })
    if (label !== '') throw new ApiError('feature-missing', WITHOUT_GROUPS, { feature: 'configuration.label' })
    return this.#prefix
  }

  /** The key at the end of such a path. */
  keyOf(path: string): string {
    let at = this.#prefix.length
    for (let slashes = this.#groups ? 2 : 0; slashes > 0; slashes--) at = path.indexOf(this.#separator, at + 1)
    return this.#notation.keyOf(path.slice(at + 1))
  }

  #segment(name: string): string {
    return name === '' ? 'default' : this.#notation.segment(name)
  }
}
