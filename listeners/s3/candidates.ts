/** The backends that may serve one request: the one in charge, and for reading those after it while it cannot be reached. */
import type { S3Backend, StoreExchange, StoreRequest, StoreSink } from '../../src/backends/s3/index.ts'
import { BucketList } from './bucket-list.ts'
import type { ExchangeHost } from './exchange-host.ts'
import type { S3Request } from './s3-request.ts'

export class Candidates {
  readonly #host: ExchangeHost
  readonly #request: S3Request
  readonly #backends: readonly S3Backend[]
  #at = 0

  constructor(host: ExchangeHost, request: S3Request) {
    this.#host = host
    this.#request = request
    this.#backends = request.route!.backends
  }

  /** The one that is asked. */
  get current(): S3Backend {
    return this.#backends[this.#at]!
  }

  /** Goes on to the next one. False when nobody else may answer. */
  next(): boolean {
    if (!this.#request.isRead || this.#at + 1 >= this.#backends.length) return false
    this.#at++
    return true
  }

  /** Throws S3Error for what the store cannot do. */
  open(request: StoreRequest, sink: StoreSink): StoreExchange {
    // To ask what is known to be away would only cost the time to find out again.
    while (this.current.isDown && this.next());
    return request.operation.name === 'ListBuckets'
      ? this.#openBuckets(request, sink)
      : this.current.store.open(request, sink)
  }

  /** Each bucket is at one backend: there it is listed, if the key may name it. */
  #openBuckets(request: StoreRequest, sink: StoreSink): StoreExchange {
    const { policy, accessKey } = this.#request.identity!
    const routes = this.#host.inCharge(accessKey)
    if (routes.length === 1 && policy.showsAllBuckets) return this.current.store.open(request, sink)
    const sources = routes.map(({ backends }) => ({
      // While the first cannot be reached, the next one is asked in its place.
      store: (backends.find(({ isDown }) => !isDown) ?? backends[0]!).store,
      shows: (name: string) => policy.shows(name) && this.#host.inChargeOf(name, accessKey) === backends[0],
    }))
    const list = new BucketList(request, sources, sink)
    list.begin()
    return list
  }
}
