/** Which backends a bucket's requests go to. */
import type { S3Backend } from '../../src/backends/s3/index.ts'
import type { RouteOptions } from './options.ts'
import { Patterns } from './patterns.ts'

export interface Route {
  /** The first is in charge; the others are read from while those before cannot be reached. */
  readonly backends: readonly S3Backend[]
  /** Presigned requests are sent to the service itself. */
  readonly redirects: boolean
}

export class Routes {
  readonly #routes: readonly { readonly buckets: Patterns; readonly route: Route }[]
  readonly #rest: Route

  constructor(options: readonly RouteOptions[], backend: S3Backend, named: (name: string) => S3Backend) {
    this.#routes = options.map(({ buckets, backend: own, readFallback, presigned }) => ({
      buckets: new Patterns(buckets),
      route: {
        backends: [own === undefined ? backend : named(own), ...readFallback.map(named)],
        redirects: presigned === 'redirect',
      },
    }))
    this.#rest = { backends: [backend], redirects: false }
  }

  of(bucket: string): Route {
    for (const { buckets, route } of this.#routes) if (bucket !== '' && buckets.match(bucket)) return route
    return this.#rest
  }
}
