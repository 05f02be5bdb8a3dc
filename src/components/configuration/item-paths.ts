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

export class ItemPaths {
  readonly #prefix: string
  readonly #groups: boolean

  constructor({ prefix, groups }: PathOptions) {
    this.#prefix = prefix
    this.#groups = groups
  }

  /** What these paths have no place for. */
  get facts(): Pick<StoreFacts, 'lacks'> {
    if (this.#groups) return {}
    return { lacks: { 'configuration.group': WITHOUT_GROUPS, 'configuration.label': WITHOUT_GROUPS } }
  }

  pathOf({ group, label, key }: ItemKey): string {
    if (this.#groups) return `${this.#prefix}/${segment(group)}/${segment(label)}/${key}`
    if (group !== '') throw new ApiError('feature-missing', WITHOUT_GROUPS, { feature: 'configuration.group' })
    if (label !== '') throw new ApiError('feature-missing', WITHOUT_GROUPS, { feature: 'configuration.label' })
    return `${this.#prefix}/${key}`
  }

  /** The key at the end of such a path. */
  keyOf(path: string): string {
    let at = this.#prefix.length
    for (let slashes = this.#groups ? 2 : 0; slashes > 0; slashes--) at = path.indexOf('/', at + 1)
    return path.slice(at + 1)
  }
}

/** A slash would be the end of it. */
function segment(name: string): string {
  return name === '' ? 'default' : name.replaceAll('%', '%25').replaceAll('/', '%2F')
}
