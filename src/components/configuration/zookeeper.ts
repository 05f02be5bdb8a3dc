/**
 * Configuration in ZooKeeper. An item is the node at `<prefix>/<group>/<label>/<key>`, or at `<prefix>/<key>` without
 * groups; slashes in a key make nodes below each other, and a node without data is no item. Its version is the
 * transaction of its last write. ZooKeeper counts the writes of a node from when it was created: so that one which was
 * deleted and created meanwhile is never taken for the one that was read, every write here counts in `<prefix>/%writes` too.
 */
import * as z from 'zod/mini'
import { ERROR, EXISTS, GET_DATA, type Step } from '../../../codecs/zookeeper/index.ts'
import {
  ApiError,
  type ConfigurationItem,
  type ConfigurationObserver,
  type ConfigurationStore,
  type ConfigurationWatch,
  type ItemChange,
  type ItemKey,
  type Selection,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import {
  isCode,
  makeNode,
  makingSteps,
  type NodeContent,
  nodeName,
  readNodes,
  readTree,
  TreeWatch,
  textOfNode,
  transact,
  unless,
  ZooKeeperClient,
  zookeeperOptions,
} from '../clients/zookeeper/index.ts'
import { ItemPaths, type PathNotation, pathOptions } from './item-paths.ts'

const options = () =>
  z.strictObject({
    ...zookeeperOptions(),
    ...pathOptions('/portolan/configuration'),
    maxItems: z
      ._default(z.int().check(z.minimum(1)), 10_000)
      .apply(described('Nodes that are read or watched at a time at most.')),
  })

type Options = z.output<ReturnType<typeof options>>

export const zookeeperConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'zookeeper',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
    'configuration.cas',
    'configuration.group',
    'configuration.label',
  ],
  options,
  open: async (raw, context) => {
    const { prefix, groups, maxItems, ...rest } = raw as Options
    return new ZooKeeperConfigurationStore(new ZooKeeperClient(rest, context), { prefix, groups, maxItems })
  },
}

const NODES: PathNotation = {
  key: key => key.split('/').map(nodeName).join('/'),
  keyOf: written => written.split('/').map(textOfNode).join('/'),
  segment: nodeName,
}

/** Others who write at the same moment come first, so many at most. */
const MAX_ATTEMPTS = 100

class ZooKeeperConfigurationStore implements ConfigurationStore {
  readonly #client: ZooKeeperClient
  readonly #paths: ItemPaths
  readonly #writes: string
  readonly #maxItems: number

  constructor(client: ZooKeeperClient, { prefix, groups, maxItems }: Pick<Options, 'prefix' | 'groups' | 'maxItems'>) {
    this.#client = client
    this.#paths = new ItemPaths({ prefix, groups }, NODES)
    this.#writes = `${prefix}/%writes`
    this.#maxItems = maxItems
  }

  async check(timeoutMs: number) {
    return { ...(await this.#client.check(timeoutMs)), ...this.#paths.facts }
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    return this.#items(await this.#read(selection), selection)
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    const { keys, prefix } = selection
    const paths = new Set(keys?.map(key => this.#paths.pathOf({ ...selection, key })))
    const folder = this.#folder(selection)
    const source = {
      // Several nodes are watched from where they all are below.
      root: paths.size === 1 ? [...paths][0]! : folder,
      concerns: (path: string) =>
        prefix === undefined ? paths.has(path) : path.startsWith(`${folder}/`) && this.#isBelow(path, prefix),
      read: () => this.#read(selection),
    }
    return new TreeWatch(this.#client, source, {
      onContents: nodes => observer.onItems(this.#items(nodes, selection)),
      onNode: node => observer.onItem(this.#item(node, selection)),
      onGone: path => observer.onGone(this.#key(path, selection)),
      onOutage: error => observer.onOutage(error),
    })
  }

  async write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    const paths = changes.map(change => this.#paths.pathOf(change))
    if (new Set(paths).size < paths.length)
      throw new ApiError('invalid-argument', 'an item is changed twice in one write')
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // Read first: whoever writes after that is noticed.
      const writes = unless(this.#client.call(EXISTS, { path: this.#writes, watch: false }), ERROR.noNode)
      const nodes = paths.map(path => unless(this.#client.call(GET_DATA, { path, watch: false }), ERROR.noNode))
      const [before, ...found] = await Promise.all([writes, ...nodes])
      const steps: Step[] = [{ setData: { path: this.#writes, data: null, version: before?.version ?? 0 } }]
      const indexes = changes.map((change, i) => {
        steps.push(...this.#steps(change, paths[i]!, found[i]))
        return steps.length - 1
      })
      try {
        const results = await transact(this.#client, steps)
        return changes.map(({ value }, i) => (value === undefined ? '' : String(results[indexes[i]!]!.stat!.mzxid)))
      } catch (error) {
        if (!isCode(error, ERROR.noNode, ERROR.nodeExists, ERROR.badVersion, ERROR.notEmpty)) throw error
        if (isCode(error, ERROR.noNode)) await this.#makeFolders(paths)
      }
    }
    throw new ApiError('unavailable', 'too many write at the same time')
  }

  /** The last one tells of what was written; none for what is so already. Throws `conflict` when the expectation does not hold. */
  #steps(change: ItemChange, path: string, found: Found | undefined): readonly Step[] {
    const { value, expected } = change
    const version = found?.data ? String(found.stat.mzxid) : ''
    if (expected !== undefined && expected !== version)
      throw new ApiError('conflict', `the item ${change.key} has another version than was expected`)
    if (value !== undefined) {
      const data = Buffer.from(value)
      if (found) return [{ setData: { path, data, version: found.stat.version } }]
      return makingSteps(this.#client, path, data)
    }
    if (!found?.data) return []
    const { version: seen, numChildren } = found.stat
    return numChildren > 0 ? [{ setData: { path, data: null, version: seen } }] : [{ delete: { path, version: seen } }]
  }

  async #makeFolders(paths: readonly string[]): Promise<void> {
    const folders = new Set(paths.map(path => path.slice(0, path.lastIndexOf('/'))))
    for (const path of [this.#writes, ...folders]) await makeNode(this.#client, path, null)
  }

  #read(selection: Selection): Promise<NodeContent[]> {
    const { keys, prefix } = selection
    if (keys !== undefined)
      return readNodes(this.#client, [...new Set(keys.map(key => this.#paths.pathOf({ ...selection, key })))])
    const tooMany = () =>
      new ApiError('exhausted', `there are more than ${this.#maxItems} nodes; raise maxItems, or ask for fewer`)
    const wanted = (path: string) => this.#isBelow(path, prefix)
    return readTree(this.#client, this.#folder(selection), wanted, this.#maxItems, tooMany)
  }

  /** The node below which all that is selected is. */
  #folder(selection: Selection): string {
    const folder = selection.prefix?.slice(0, Math.max(0, selection.prefix.lastIndexOf('/')))
    if (!folder && !selection.prefix?.startsWith('/')) return this.#paths.folderOf(selection)
    return this.#paths.pathOf({ ...selection, key: folder ?? '' })
  }

  #isBelow(path: string, prefix: string): boolean {
    return path !== this.#writes && this.#paths.keyOf(path).startsWith(prefix)
  }

  #items(nodes: readonly NodeContent[], selection: Selection): ConfigurationItem[] {
    return nodes.map(node => this.#item(node, selection))
  }

  #item({ path, data, stat }: NodeContent, within: Omit<ItemKey, 'key'>): ConfigurationItem {
    const version = String(stat.mzxid)
    return { ...this.#key(path, within), value: data.toString(), version, contentType: '', metadata: {} }
  }

  #key(path: string, { group, label }: Omit<ItemKey, 'key'>): ItemKey {
    return { key: this.#paths.keyOf(path), group, label }
  }
}

type Found = { readonly data: Buffer | null; readonly stat: NodeContent['stat'] }
