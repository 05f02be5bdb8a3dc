/**
 * One partition while it is ours: what was fetched and is not settled. Kafka keeps one offset for a group, before which all
 * is done: it stands at the first message that is neither acknowledged nor dropped. Messages of a key go one at a time.
 */
import type { Delivery } from '../../apis/index.ts'

/** No more is fetched while so many messages, or bytes of them, are open. */
const MOST_OPEN = 1_000
const MOST_OPEN_BYTES = 4 * 1024 * 1024
/** Nor while the first open message is so far behind: all of these would come again after a crash. */
const LONGEST_WINDOW = 10_000n
const FETCH_BYTES = 1024 * 1024
const CONTROL_BATCH = 0x20
const CONTENT_TYPE = 'content-type'

/** As the client library tells it. */
export interface RecordsBatch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly records: readonly {
    readonly offsetDelta: number
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
  }[]
}

export interface Entry extends Pick<Delivery, 'data' | 'contentType' | 'headers' | 'orderingKey'> {
  readonly offset: bigint
  attempts: number
}

export class KafkaPartition {
  readonly number: number
  /** What is fetched next. */
  position: bigint
  /** What the group's offset is known to be at least. */
  committed: bigint
  /** Bytes to ask for; more when nothing but aborted transactions fits. */
  fetchBytes = FETCH_BYTES
  /** It was given to somebody else, or the connection is lost: nothing that is said of its messages counts. */
  isLost = false
  readonly #mostOpen: number
  /** In order of offsets. */
  readonly #open = new Map<bigint, Entry>()
  #openBytes = 0
  readonly #waiting: Entry[] = []
  /** Delivered and not settled. */
  readonly #delivered = new Set<Entry>()
  /** Keys of which a message is delivered, or waits to be again. */
  readonly #busy = new Set<string>()

  constructor(number: number, position: bigint, maxInFlight: number) {
    this.number = number
    this.position = position
    this.committed = position
    this.#mostOpen = Math.max(MOST_OPEN, maxInFlight)
  }

  /** Where a successor has to begin. */
  get firstOpen(): bigint {
    for (const offset of this.#open.keys()) return offset
    return this.position
  }

  get isHungry(): boolean {
    return (
      this.#open.size < this.#mostOpen &&
      this.#openBytes < MOST_OPEN_BYTES &&
      this.position - this.firstOpen < LONGEST_WINDOW
    )
  }

  take(batches: readonly RecordsBatch[]): void {
    // All that was fetched is of aborted transactions.
    if (batches.length === 0) this.fetchBytes *= 2
    else this.fetchBytes = FETCH_BYTES
    for (const { firstOffset, lastOffsetDelta, attributes, records } of batches) {
      for (const { offsetDelta, key, value, headers } of attributes & CONTROL_BATCH ? [] : records) {
        const offset = firstOffset + BigInt(offsetDelta)
        // A batch may begin before the offset that was asked for.
        if (offset < this.position) continue
        const fields = headersOf(headers)
        const { [CONTENT_TYPE]: contentType = '', ...rest } = fields
        const data = value ?? Buffer.alloc(0)
        const entry = {
          offset,
          data,
          contentType,
          headers: rest,
          ...(key && { orderingKey: key.toString() }),
          attempts: 0,
        }
        this.#open.set(offset, entry)
        this.#openBytes += data.length
        this.#waiting.push(entry)
      }
      const next = firstOffset + BigInt(lastOffsetDelta) + 1n
      if (next > this.position) this.position = next
    }
  }

  /** The next to be delivered, which counts as delivered. */
  next(): Entry | undefined {
    const at = this.#waiting.findIndex(
      // One that was delivered before has the turn of its key still.
      ({ orderingKey, attempts }) => orderingKey === undefined || attempts > 0 || !this.#busy.has(orderingKey),
    )
    if (at < 0) return undefined
    const [entry] = this.#waiting.splice(at, 1)
    entry!.attempts++
    this.#delivered.add(entry!)
    if (entry!.orderingKey !== undefined) this.#busy.add(entry!.orderingKey)
    return entry
  }

  get inFlight(): number {
    return this.#delivered.size
  }

  /** The subscriber has said something of it; false when it has before. */
  settle(entry: Entry): boolean {
    return this.#delivered.delete(entry)
  }

  /** It was acknowledged or dropped. */
  done({ offset, orderingKey, data }: Entry): void {
    this.#open.delete(offset)
    this.#openBytes -= data.length
    if (orderingKey !== undefined) this.#busy.delete(orderingKey)
  }

  /** It is to be delivered again. */
  putBack(entry: Entry): void {
    this.#waiting.unshift(entry)
  }
}

function headersOf(fields: RecordsBatch['records'][number]['headers']): Record<string, string> {
  return Object.fromEntries(fields.map(([name, value]) => [name?.toString() ?? '', value?.toString() ?? '']))
}
