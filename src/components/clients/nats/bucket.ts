/** A bucket of NATS KV: made when it does not exist, read at the leader of its stream, written by revision. */
import type { StoredMsg } from '@nats-io/jetstream'
import type { KvWatchEntry } from '@nats-io/kv'
import type { MsgHdrs } from '@nats-io/transport-node'
import { ApiError } from '../../../apis/index.ts'
import type { NatsClient, NatsSession } from './client.ts'
import { isOvertaken } from './failure.ts'
import { keyOf } from './keys.ts'

export interface BucketEntry {
  /** Of the key's last write, its deletion included; 0 when it was never written. */
  readonly revision: number
  /** Undefined when it is deleted, or was never written. */
  readonly value: string | undefined
}

export interface BucketOptions {
  /** How many values of a key are kept in a bucket that is made. */
  readonly history: number
  /** How a key is written in NATS. */
  readonly keyOf: (key: string) => string
}

export class Bucket {
  readonly client: NatsClient
  readonly name: string
  readonly #options: BucketOptions
  /** The connections over which the bucket was seen to exist. */
  readonly #seen = new WeakSet<NatsSession>()

  constructor(client: NatsClient, name: string, options: BucketOptions = { history: 1, keyOf }) {
    this.client = client
    this.name = name
    this.#options = options
  }

  /** The stream that it is to JetStream. */
  get stream(): string {
    return `KV_${this.name}`
  }

  /** Not by direct get, which a replica may answer that has not got the last write. */
  find(key: string): Promise<BucketEntry> {
    return this.client.call(async session => {
      await this.ensure(session)
      const query = { last_by_subj: this.#subject(key) }
      const message = await session.manager.streams.getMessage(this.stream, query)
      return message ? entryOf(message) : { revision: 0, value: undefined }
    }, true)
  }

  /** What is kept of a key, the oldest first, deletions included. */
  history(key: string): Promise<readonly BucketEntry[]> {
    return this.client.call(async session => {
      await this.ensure(session)
      const entries: BucketEntry[] = []
      for (let seq = 1; ; seq = entries.at(-1)!.revision + 1) {
        const query = { seq, next_by_subj: this.#subject(key) }
        const message = await session.manager.streams.getMessage(this.stream, query)
        if (!message) return entries
        entries.push(entryOf(message))
      }
    }, true)
  }

  /**
   * Writes, or deletes without a value, when `revision` is the key's last one; undefined when it is not. Without a
   * revision it is written whatever is there.
   */
  replace(key: string, revision: number | undefined, value: string | undefined): Promise<number | undefined> {
    return this.client.call(async session => {
      await this.ensure(session).catch(cause => {
        // Nothing was written yet.
        throw new ApiError('unavailable', `the bucket ${this.name}: ${(cause as Error).message}`, { cause })
      })
      const headers = value === undefined ? this.client.headers({ 'KV-Operation': 'DEL' }) : undefined
      const expect = revision === undefined ? undefined : { lastSubjectSequence: revision }
      try {
        const options = { retries: 1, ...(expect && { expect }), ...(headers && { headers }) }
        return (await session.streams.publish(this.#subject(key), value ?? '', options)).seq
      } catch (error) {
        if (isOvertaken(error)) return undefined
        throw error
      }
    }, false)
  }

  /** Tells the present entry if there is one, and each later one; ends with the connection or with stop(). */
  watch(key: string) {
    return this.client.call(async (session): Promise<AsyncIterable<KvWatchEntry> & { stop(): void }> => {
      const bucket = await session.buckets.open(this.name)
      const entries = await bucket.watch({ key: this.#options.keyOf(key) })
      const forget = session.onLost(() => entries.stop())
      return {
        [Symbol.asyncIterator]: () => entries[Symbol.asyncIterator](),
        stop() {
          forget()
          entries.stop()
        },
      }
    }, true)
  }

  /** Makes the bucket if it does not exist; one that does is used as it is. */
  async ensure(session: NatsSession): Promise<void> {
    if (this.#seen.has(session)) return
    await session.buckets.create(this.name, { replicas: this.client.replicas, history: this.#options.history })
    this.#seen.add(session)
  }

  #subject(key: string): string {
    return `$KV.${this.name}.${this.#options.keyOf(key)}`
  }
}

/** Also of what others delete or purge. */
export function isMarker(headers: MsgHdrs | undefined): boolean {
  return Boolean(headers?.get('KV-Operation'))
}

function entryOf(message: StoredMsg): BucketEntry {
  return { revision: message.seq, value: isMarker(message.header) ? undefined : message.string() }
}
