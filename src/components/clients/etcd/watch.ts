/**
 * Follows keys over outages: read once, then told of every change from the revision after that one; after the loss of a
 * stream from where it was, and read anew when that is compacted away.
 */
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import { ApiError } from '../../../apis/index.ts'
import type { EtcdClient } from './client.ts'
import { apiError, isCompacted } from './failure.ts'
import type { Contents } from './keys.ts'
import { EVENT_DELETE, type KeyValue, type Range, WATCH, type WatchRequest, type WatchResponse } from './messages.ts'

export interface EtcdObserver {
  /** All there is: at the beginning, after an outage that was told of, and when changes were missed. */
  onContents(kvs: readonly KeyValue[]): void
  onPut(kv: KeyValue): void
  onDelete(key: Buffer): void
  /** Once for each outage. */
  onOutage(error: Error): void
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

export class EtcdWatch {
  readonly #client: EtcdClient
  readonly #ranges: readonly Range[]
  readonly #read: () => Promise<Contents>
  readonly #observer: EtcdObserver
  /** What was told last of each key that exists; undefined: all is to be read. */
  #known: Map<string, KeyValue> | undefined
  /** For each range the revision from which on nothing is told yet: they may come at different speeds. */
  #next: bigint[] = []
  #isOut = false
  #failures = 0
  #stream: ClientDuplexStream<WatchRequest, WatchResponse> | undefined
  #wake: () => void = () => {}
  #closed = false

  constructor(client: EtcdClient, ranges: readonly Range[], read: () => Promise<Contents>, observer: EtcdObserver) {
    this.#client = client
    this.#ranges = ranges
    this.#read = read
    this.#observer = observer
    void this.#run()
  }

  close(): void {
    this.#closed = true
    this.#stream?.cancel()
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.#known === undefined) await this.#readAll()
        await this.#follow()
      } catch (error) {
        await this.#onFailure(error as Error)
      }
    }
  }

  async #readAll(): Promise<void> {
    const { kvs, revision } = await this.#read()
    if (this.#closed) return
    this.#next = this.#ranges.map(() => revision + 1n)
    this.#known = new Map(kvs.map(kv => [nameOf(kv.key), kv]))
    this.#tellAll()
  }

  #tellAll(): void {
    this.#isOut = false
    this.#observer.onContents([...this.#known!.values()])
  }

  /** Rejects when the stream ends, whatever the reason. */
  async #follow(): Promise<void> {
    const stream = await this.#client.stream(WATCH)
    this.#stream = stream
    if (this.#closed) stream.cancel()
    await new Promise<void>((_, reject) => {
      let missing = this.#ranges.length
      const give = (error: unknown): void => {
        reject(error)
        stream.cancel()
      }
      stream.on('error', error => reject(apiError(error as ServiceError, true)))
      stream.on('end', () => reject(new ApiError('unavailable', 'etcd has ended the watch')))
      stream.on('data', (response: WatchResponse) => {
        if (this.#closed) return
        if (response.canceled) return give(this.#whyCanceled(response))
        this.#failures = 0
        if (!response.created) return this.#tell(response)
        // Those who were told of the outage begin with what they know; what they have missed is on its way.
        if (--missing === 0 && this.#isOut) this.#tellAll()
      })
      this.#ranges.forEach((range, index) => {
        const create = { ...range, startRevision: this.#next[index]!, watchId: BigInt(index + 1), fragment: true }
        stream.write({ create })
      })
    })
  }

  #tell({ watchId, events, fragment }: WatchResponse): void {
    for (const { type, kv } of events) {
      if (this.#closed) return
      if (type === EVENT_DELETE) {
        this.#known!.delete(nameOf(kv.key))
        this.#observer.onDelete(kv.key)
      } else {
        this.#known!.set(nameOf(kv.key), kv)
        this.#observer.onPut(kv)
      }
    }
    const last = events.at(-1)
    if (last) this.#next[Number(watchId) - 1] = fragment ? last.kv.modRevision : last.kv.modRevision + 1n
  }

  #whyCanceled({ compactRevision, cancelReason }: WatchResponse): ApiError {
    if (compactRevision > 0n) this.#known = undefined
    const code = cancelReason.includes('permission denied') ? 'denied' : 'unavailable'
    return new ApiError(code, `etcd has ended the watch: ${cancelReason || 'what was missed is compacted away'}`)
  }

  /** The first loss of a stream is nothing yet: another member may take it over at once. */
  async #onFailure(error: Error): Promise<void> {
    if (this.#closed) return
    const isNew = this.#failures++ === 0
    if (isCompacted(error)) this.#known = undefined
    if (isNew && this.#next.length > 0) return
    if (!this.#isOut) {
      this.#isOut = true
      this.#observer.onOutage(error)
    }
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10))
    await new Promise<void>(resolve => {
      const cancel = this.#client.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** One character for each byte: a key need not be text. */
function nameOf(key: Buffer): string {
  return key.toString('latin1')
}
