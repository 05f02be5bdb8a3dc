/**
 * Follows the keys of a bucket over one connection: first the last entry of each that there is, then every change. The
 * consumer is pushed with heartbeats and flow control, and ends when anything is missed: whoever follows begins anew.
 */
import type { Msg } from '@nats-io/transport-node'
import { ApiError } from '../../../apis/index.ts'
import { type Bucket, type BucketEntry, isMarker } from './bucket.ts'
import { parseDeliveryInfo } from './delivery-info.ts'

export interface FollowedEntry extends BucketEntry {
  readonly subject: string
}

export interface Follower {
  /** The keys that exist: once, before anything else. */
  onContents(entries: readonly FollowedEntry[]): void
  onEntry(entry: FollowedEntry): void
}

export interface Follow {
  /** Keys that may be there at the beginning. */
  readonly maxKeys: number
  /** Whether a subject within the filter is of interest. */
  concerns(subject: string): boolean
}

const HEARTBEAT_MS = 2_000
const LOST_AFTER_MS = 3 * HEARTBEAT_MS
const NANOS = 1e6
/** The server's word that nothing is to be said, or that it waits to hear how far we are. */
const CONTROL = 100

/** Rejects when it cannot go on; resolves once `signal` is aborted. */
export async function followBucket(
  bucket: Bucket,
  filter: string,
  { maxKeys, concerns }: Follow,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  const { client } = bucket
  const session = await client.session()
  let end!: (error?: Error) => void
  const ended = new Promise<void>((resolve, reject) => {
    end = error => (error ? reject(error) : resolve())
  })
  ended.catch(() => {})
  const lose = (why: string): void => end(new ApiError('unavailable', `the bucket ${bucket.name}: ${why}`))
  let cancel = (): void => {}
  const wait = (): void => {
    cancel()
    cancel = client.clock.after(LOST_AFTER_MS, () => lose(`nothing was heard of it for ${LOST_AFTER_MS} ms`))
  }
  const contents = new Map<string, FollowedEntry>()
  let received = 0
  let isMade = false
  let isBegun = false
  let isDrained = false
  const begin = (): void => {
    if (isBegun || !isMade || !isDrained || signal.aborted) return
    isBegun = true
    follower.onContents([...contents.values()])
    contents.clear()
  }
  const onMessage = (message: Msg): void => {
    wait()
    if (message.headers?.code === CONTROL) {
      const stalled = message.headers.get('Nats-Consumer-Stalled')
      if (stalled) session.connection.publish(stalled)
      else if (message.reply) message.respond()
      const last = message.headers.get('Nats-Last-Consumer')
      if (last && Number(last) !== received) lose('a change was missed')
      return
    }
    const info = parseDeliveryInfo(message.reply)
    if (!info) return
    if (info.delivery !== ++received) return lose('a change was missed')
    const { subject } = message
    if (concerns(subject)) {
      const value = isMarker(message.headers) ? undefined : message.string()
      const entry = { subject, revision: info.sequence, value }
      if (isBegun) follower.onEntry(entry)
      else if (value === undefined) contents.delete(subject)
      else contents.set(subject, entry)
      if (contents.size > maxKeys) return end(tooMany(maxKeys))
    }
    if (info.pending > 0) return
    isDrained = true
    begin()
  }
  const inbox = client.inbox()
  const subscription = session.connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return end(error)
      if (!signal.aborted) onMessage(message)
    },
  })
  const stop = (): void => end()
  signal.addEventListener('abort', stop)
  const forget = session.onLost(() => lose('the connection was lost'))
  try {
    if (signal.aborted) return
    wait()
    const { num_pending, delivered } = await client.call(async () => {
      await bucket.ensure(session)
      return session.manager.consumers.add(bucket.stream, {
        deliver_subject: inbox,
        deliver_policy: 'last_per_subject',
        filter_subject: filter,
        ack_policy: 'none',
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        flow_control: true,
        idle_heartbeat: HEARTBEAT_MS * NANOS,
        inactive_threshold: LOST_AFTER_MS * NANOS,
      })
    }, true)
    isMade = true
    if (num_pending + delivered.consumer_seq === 0) isDrained = true
    begin()
    await ended
  } finally {
    cancel()
    forget()
    signal.removeEventListener('abort', stop)
    if (!session.connection.isClosed()) subscription.unsubscribe()
  }
}

function tooMany(max: number): ApiError {
  return new ApiError('exhausted', `there are more than ${max} items; raise maxItems, or ask for fewer`)
}
