/** Follows items of a group in Nacos: asks the server which of the known ones have changed, and holds the question open. */
import type { Clock } from '../../protocol.ts'
import { md5Of, type NacosClient, type NacosItem } from '../clients/nacos/index.ts'

export interface Followed {
  readonly group: string
  /** All items as they are. */
  read(): Promise<readonly NacosItem[]>
  /** The keys that are followed besides those that are there. */
  readonly keys: readonly string[]
  /** How often all are read anew, for keys that nobody knew; undefined where the keys are named. */
  readonly listEveryMs: number | undefined
  onItems(items: readonly NacosItem[]): void
  onOutage(error: Error): void
}

const RETRY_MS = 500
/** Between questions at least, should a server answer without waiting. */
const ROUND_MS = 20

/** Returns a function that ends it. */
export function follow(client: NacosClient, followed: Followed, clock: Clock): () => void {
  const ended = new AbortController()
  const pause = (ms: number) =>
    new Promise<void>(resolve => {
      const done = () => {
        cancel()
        ended.signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = clock.after(ms, done)
      if (ended.signal.aborted) return done()
      ended.signal.addEventListener('abort', done)
    })

  const run = async () => {
    let isOut = false
    while (!ended.signal.aborted) {
      try {
        const items = await followed.read()
        if (ended.signal.aborted) return
        isOut = false
        followed.onItems(items)
        await untilChanged(items)
      } catch (error) {
        if (ended.signal.aborted) return
        if (!isOut) followed.onOutage(error as Error)
        isOut = true
        await pause(RETRY_MS)
      }
    }
  }

  /** Between the reading and the question nothing is missed: the question says what was read. */
  const untilChanged = async (items: readonly NacosItem[]) => {
    const { group, keys, listEveryMs } = followed
    const known = new Map(keys.map(key => [key, '']))
    for (const { dataId, content } of items) known.set(dataId, md5Of(content))
    if (listEveryMs === undefined) {
      if (known.size === 0) return pause(2 ** 31 - 1)
      let changed: readonly string[] = []
      while (changed.length === 0 && !ended.signal.aborted) {
        changed = await client.changed(known, group, ended.signal)
        await pause(ROUND_MS)
      }
      return
    }
    const round = new AbortController()
    const signal = AbortSignal.any([round.signal, ended.signal])
    const asked = known.size > 0 ? client.changed(known, group, signal) : new Promise<never>(() => {})
    try {
      await Promise.race([asked, pause(listEveryMs)])
      await pause(ROUND_MS)
    } finally {
      round.abort()
      asked.catch(() => {})
    }
  }

  void run()
  return () => ended.abort()
}
