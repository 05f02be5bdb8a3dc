/** A bucket of NATS KV: made when it does not exist, read at the leader of its stream, written by revision. */
import type { KvWatchEntry } from '@nats-io/kv'
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

export class Bucket {
  readonly client: NatsClient
  readonly name: string
  /** The connections over which the bucket was seen to exist. */
  readonly #seen = new WeakSet<NatsSession>()

  constructor(client: NatsClient, name: string) {
    this.client = client
    this.name = name
  }

  /** Not by direct get, which a replica may answer that has not got the last write. */
  find(key: string): Promise<BucketEntry> {
    return this.client.call(async session => {
      await this.#ensure(session)
      const query = { last_by_subj: this.#subject(key) }
      const message = await session.manager.streams.getMessage(`KV_${this.name}`, query)
      if (!message) return { revision: 0, value: undefined }
      const gone = message.header?.get('KV-Operation')
      return { revision: message.seq, value: gone ? undefined : message.string() }
    }, true)
  }

  /** Writes, or deletes without a value, when `revision` is the key's last one; undefined when it is not. */
  replace(key: string, revision: number, value: string | undefined): Promise<number | undefined> {
    return this.client.call(async session => {
      await this.#ensure(session).catch(cause => {
        // Nothing was written yet.
        throw new ApiError('unavailable', `the bucket ${this.name}: ${(cause as Error).message}`, { cause })
      })
      const headers = value === undefined ? this.client.headers({ 'KV-Operation': 'DEL' }) : undefined
      const expect = { lastSubjectSequence: revision }
      try {
        const options = { expect, retries: 1, ...(headers && { headers }) }
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
      const entries = await bucket.watch({ key: keyOf(key) })
      session.connection.closed().then(() => entries.stop())
      return entries
    }, true)
  }

  async #ensure(session: NatsSession): Promise<void> {
    if (this.#seen.has(session)) return
    await session.buckets.create(this.name, { replicas: this.client.replicas, history: 1 })
    this.#seen.add(session)
  }

  #subject(key: string): string {
    return `$KV.${this.name}.${keyOf(key)}`
  }
}
