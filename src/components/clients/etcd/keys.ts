/** Keys of etcd: they are bytes, and a beginning of keys is a range of them. */
import type { EtcdClient } from './client.ts'
import { type KeyValue, RANGE, type Range, READ_TXN } from './messages.ts'

const PAGE = 1_000n
/** What etcd takes at most in one transaction, unless it is configured. */
const MAX_OPERATIONS = 128

/** All keys that begin so. */
export function prefixRange(prefix: string): Range {
  const key = Buffer.from(prefix)
  const rangeEnd = Buffer.from(key)
  // The next greater string of bytes of that length or a shorter one; text has no byte 0xff, so the last one can grow.
  if (rangeEnd.length > 0) rangeEnd[rangeEnd.length - 1]! += 1
  return key.length > 0 ? { key, rangeEnd } : { key: ZERO, rangeEnd: ZERO }
}

/** To etcd this is: from the first to the last. */
const ZERO = Buffer.from([0])

export interface Contents {
  readonly kvs: readonly KeyValue[]
  /** As of when, for all of them. */
  readonly revision: bigint
}

/** All keys of a range, page by page, as they were at one moment. Throws what `tooMany` makes when there are more. */
export async function readRange(
  client: EtcdClient,
  range: Range,
  max: number,
  tooMany: () => Error,
): Promise<Contents> {
  const kvs: KeyValue[] = []
  let { key } = range
  let revision = 0n
  for (;;) {
    const page = await client.call(RANGE, { ...range, key, limit: PAGE, revision })
    kvs.push(...page.kvs)
    if (revision === 0n) ({ revision } = page.header)
    if (kvs.length > max) throw tooMany()
    if (!page.more) return { kvs, revision }
    key = Buffer.concat([kvs.at(-1)!.key, ZERO])
  }
}

/** Those of the keys that exist, as they were at one moment. */
export async function readKeys(client: EtcdClient, keys: readonly string[]): Promise<Contents> {
  const kvs: KeyValue[] = []
  let revision = 0n
  for (let at = 0; at === 0 || at < keys.length; at += MAX_OPERATIONS) {
    const asked = keys.slice(at, at + MAX_OPERATIONS)
    const success = asked.map(key => ({ range: { key: Buffer.from(key), revision } }))
    const { header, responses } = await client.call(READ_TXN, { compare: [], success, failure: [] })
    if (revision === 0n) ({ revision } = header)
    for (const { range } of responses) kvs.push(...range!.kvs)
  }
  return { kvs, revision }
}
