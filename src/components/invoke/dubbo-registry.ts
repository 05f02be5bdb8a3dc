/**
 * Providers of a service as ZooKeeper knows them: the children of `/dubbo/<service>/providers`, each the URL of one,
 * encoded. Once asked for, a service is followed; what was known last counts while ZooKeeper is away.
 */
import { ERROR, GET_CHILDREN, type Stat } from '../../../codecs/zookeeper/index.ts'
import { ApiError, type Invocation } from '../../apis/index.ts'
import type { Address } from '../../config/index.ts'
import { type NodeContent, TreeWatch, unless, type ZooKeeperClient } from '../clients/zookeeper/index.ts'

/** Where a service is provided, and as what. */
export interface ProviderEntry {
  readonly address: Address
  readonly group: string
  readonly version: string
}

/** Who can say where a service is provided. */
export interface ProviderSource {
  /** Rejects with `not-found` when nobody provides it, and with `unavailable` when that cannot be known. */
  providersOf(invocation: Pick<Invocation, 'service' | 'group' | 'version'>): Promise<readonly Address[]>
  check(timeoutMs: number): Promise<unknown>
  close(): Promise<void>
}

/** Services that are followed at a time; the one that was asked for the longest time ago is dropped. */
const MAX_SERVICES = 1_000
/** What Dubbo writes for "no version". */
const NO_VERSION = '0.0.0'

export class DubboRegistry implements ProviderSource {
  readonly #client: ZooKeeperClient
  readonly #root: string
  readonly #services = new Map<string, Followed>()

  constructor(client: ZooKeeperClient, root: string) {
    this.#client = client
    this.#root = root
  }

  async providersOf({ service, group, version }: Pick<Invocation, 'service' | 'group' | 'version'>) {
    const entries = await this.#follow(service).entries()
    const fitting = entries.filter(entry => entry.group === group && entry.version === version)
    if (fitting.length > 0) return fitting.map(({ address }) => address)
    const others = [...new Set(entries.map(each => `group ${each.group || 'none'}, version ${each.version || 'none'}`))]
    const hint = others.length > 0 ? ` in that group and version, but ${others.slice(0, 5).join('; ')}` : ''
    throw new ApiError('not-found', `nobody provides ${service}${hint}`)
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  async close(): Promise<void> {
    for (const followed of this.#services.values()) followed.close()
    this.#services.clear()
    await this.#client.close()
  }

  #follow(service: string): Followed {
    const known = this.#services.get(service)
    this.#services.delete(service)
    const followed = known ?? new Followed(this.#client, `${this.#root}/${service}/providers`)
    this.#services.set(service, followed)
    if (this.#services.size > MAX_SERVICES) {
      const [oldest, dropped] = this.#services.entries().next().value!
      this.#services.delete(oldest)
      dropped.close()
    }
    return followed
  }
}

class Followed {
  readonly #client: ZooKeeperClient
  readonly #root: string
  readonly #watch: TreeWatch
  readonly #waiting = new Set<{ resolve(): void; reject(error: Error): void }>()
  #entries: readonly ProviderEntry[] | undefined

  constructor(client: ZooKeeperClient, root: string) {
    this.#client = client
    this.#root = root
    // A provider is its node's name; what the node holds tells nothing.
    const reread = (): void =>
      void this.#read().then(
        nodes => this.#take(nodes),
        () => {},
      )
    this.#watch = new TreeWatch(
      client,
      { root, concerns: path => path.startsWith(root), read: () => this.#read() },
      {
        onContents: nodes => this.#take(nodes),
        onNode: reread,
        onGone: reread,
        onOutage: error => {
          for (const { reject } of this.#waiting) reject(error)
          this.#waiting.clear()
        },
      },
    )
  }

  /** Rejects with `unavailable` when nothing is known in time. */
  async entries(): Promise<readonly ProviderEntry[]> {
    if (!this.#entries) await this.#firstTime()
    return this.#entries ?? []
  }

  #firstTime(): Promise<void> {
    const { clock, requestTimeoutMs } = this.#client
    return new Promise<void>((resolve, reject) => {
      const late = new ApiError('unavailable', `the registry did not answer within ${requestTimeoutMs} ms`)
      const waiting = {
        resolve() {
          cancel()
          resolve()
        },
        reject(error: Error) {
          cancel()
          reject(error)
        },
      }
      this.#waiting.add(waiting)
      const cancel = clock.after(requestTimeoutMs, () => {
        this.#waiting.delete(waiting)
        reject(late)
      })
    })
  }

  close(): void {
    this.#watch.close()
    for (const { reject } of this.#waiting) reject(new ApiError('unavailable', 'the component is closed'))
    this.#waiting.clear()
  }

  async #read(): Promise<readonly NodeContent[]> {
    const request = { path: this.#root, watch: false }
    const names = (await unless(this.#client.call(GET_CHILDREN, request), ERROR.noNode)) ?? []
    return names.map(path => ({ path, data: Buffer.alloc(0), stat: NO_STAT }))
  }

  #take(nodes: readonly NodeContent[]): void {
    this.#entries = nodes.flatMap(({ path }) => entryOf(path) ?? [])
    for (const { resolve } of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

const NO_STAT = {} as Stat

/** Undefined for providers of another protocol, and those that are switched off. */
export function entryOf(name: string): ProviderEntry | undefined {
  let url: URL
  try {
    url = new URL(decodeURIComponent(name))
  } catch {
    return undefined
  }
  if (url.protocol !== 'dubbo:' || url.hostname === '') return undefined
  const { searchParams: parameters, port } = url
  if (parameters.get('disabled') === 'true' || parameters.get('enabled') === 'false') return undefined
  const version = parameters.get('version') ?? ''
  return {
    address: { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 20_880 },
    group: parameters.get('group') ?? '',
    version: version === NO_VERSION ? '' : version,
  }
}
