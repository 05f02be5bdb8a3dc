/**
 * Sequences in etcd v3: a key holds the last number that is given out, and grows by compare-and-set. A counter that
 * Layotto has made, whose number is how often its empty key was written, is taken over; from then on Layotto must not
 * use it.
 */
import * as z from 'zod/mini'
import { ApiError, type SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { COMPARE, EtcdClient, type EtcdOptions, etcdOptions, type KeyValue, RANGE, TXN } from '../clients/etcd/index.ts'

const options = () =>
  z.strictObject({
    ...etcdOptions(),
    prefix: z._default(z.string(), '/portolan/sequencer/').apply(described('Stands before the key of a sequence.')),
  })

export const etcdSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'etcd',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  open: async (raw, context) => {
    const { prefix, ...rest } = raw as z.output<ReturnType<typeof options>>
    return new EtcdSequencerStore(await EtcdClient.open(rest as EtcdOptions, context), prefix)
  },
}

/** One of those who want a number at the same moment gets it each time; so many must be in the way before one gives up. */
const MAX_ATTEMPTS = 100
const GREATEST = 2n ** 63n - 1n

class EtcdSequencerStore implements SequencerStore {
  readonly #client: EtcdClient
  readonly #prefix: string
  /** Reservations under way, the last of each key: those of one sidecar do not get in each other's way. */
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(client: EtcdClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async reserve(key: string, count: number): Promise<bigint> {
    const before = this.#last.get(key)
    const mine = (before ?? Promise.resolve()).catch(() => {}).then(() => this.#reserve(key, BigInt(count)))
    this.#last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
  }

  async #reserve(name: string, count: bigint): Promise<bigint> {
    const key = Buffer.from(this.#prefix + name)
    let found = (await this.#client.call(RANGE, { key })).kvs[0]
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const last = numberIn(found) + count
      if (last > GREATEST) throw new ApiError('exhausted', 'the sequence has no numbers left')
      const { succeeded, responses } = await this.#client.call(TXN, {
        // A key that does not exist has modification revision 0.
        compare: [{ key, target: COMPARE.mod, modRevision: found?.modRevision ?? 0n }],
        success: [{ put: { key, value: Buffer.from(String(last)) } }],
        failure: [{ range: { key } }],
      })
      if (succeeded) return last - count + 1n
      found = responses[0]!.range!.kvs[0]
    }
    throw new ApiError('unavailable', 'too many callers want numbers of this sequence at the same time')
  }
}

function numberIn(found: KeyValue | undefined): bigint {
  if (!found) return 0n
  const text = found.value.toString()
  if (text === '') return found.version
  if (/^\d{1,19}$/.test(text)) return BigInt(text)
  throw new ApiError('internal', 'the key of the sequence holds something else than a number')
}
