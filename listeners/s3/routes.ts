/** Which backends the requests of a key about a bucket go to. */
import type { S3Backend } from '../../src/backends/s3/index.ts'
import type { RouteOptions } from './options.ts'
import { Patterns } from './patterns.ts'

export interface Route {
  /** The first is in charge; the others are read from while those before cannot be reached. */
  readonly backends: readonly S3Backend[]
  /** Presigned requests are sent to the service itself. */
  readonly redirects: boolean
}

interface Rule {
  readonly buckets: Patterns
  readonly keys: ReadonlySet<string> | undefined
  readonly route: Route
}

export class Routes {
  readonly #rules: readonly Rule[]
  readonly #rest: Route

  constructor(options: readonly RouteOptions[], backend: S3Backend, named: (name: string) => S3Backend) {
    this.#rules = options.map(({ keys, buckets, backend: own, readFallback, presigned }) => ({
      buckets: new Patterns(buckets),
      keys: keys && new Set(keys),
      route: {
        backends: [own === undefined ? backend : named(own), ...readFallback.map(named)],
        redirects: presigned === 'redirect',
      },
    }))
    this.#rest = { backends: [backend], redirects: false }
  }

  /** Without a bucket, what counts for all of them. `accessKey` is empty for who did not sign. */
  of(bucket: string, accessKey: string): Route {
    for (const { buckets, keys, route } of this.#rules) {
      if ((bucket === '' ? buckets.matchesAll : buckets.match(bucket)) && (!keys || keys.has(accessKey))) return route
    }
    return this.#rest
  }

  /** One for each backend that may be in charge of a bucket of that key's. */
  inCharge(accessKey: string): readonly Route[] {
    const found: Route[] = []
    const add = (route: Route) => {
      if (!found.some(({ backends: [backend] }) => backend === route.backends[0])) found.push(route)
    }
    for (const { buckets, keys, route } of this.#rules) {
      if (keys && !keys.has(accessKey)) continue
      add(route)
      if (buckets.matchesAll) return found
    }
    add(this.#rest)
    return found
  }
}
