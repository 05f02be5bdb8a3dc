/**
 * Sequences in etcd v3: a key holds the last number that is given out, and grows by compare-and-set. A counter that
 * Layotto has made, whose number is how often its empty key was written, is taken over; from then on Layotto must not
 * use it.
 */
import * as z from 'zod/mini'
import type { SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { COMPARE, EtcdClient, type EtcdOptions, etcdOptions, type KeyValue, RANGE, TXN } from '../clients/etcd/index.ts'
import { advanced, MAX_ATTEMPTS, parseCounter, tooContended } from './counter.ts'
import { InTurn } from './in-turn.ts'

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

class EtcdSequencerStore implements SequencerStore {
  readonly #client: EtcdClient
  readonly #prefix: string
  readonly #turns: InTurn

  constructor(client: EtcdClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
    this.#turns = new InTurn(client.clock, client.requestTimeoutMs)
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  reserve(key: string, count: number): Promise<bigint> {
    return this.#turns.run(key, () => this.#reserve(Buffer.from(this.#prefix + key), count))
  }

  async #reserve(key: Buffer, count: number): Promise<bigint> {
    let found = (await this.#client.call(RANGE, { key })).kvs[0]
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const last = numberIn(found)
      const { succeeded, responses } = await this.#client.call(TXN, {
        // A key that does not exist has modification revision 0.
        compare: [{ key, target: COMPARE.mod, modRevision: found?.modRevision ?? 0n }],
        success: [{ put: { key, value: Buffer.from(String(advanced(last, count))) } }],
        failure: [{ range: { key } }],
      })
      if (succeeded) return last + 1n
      found = responses[0]!.range!.kvs[0]
    }
    throw tooContended()
  }
}

function numberIn(found: KeyValue | undefined): bigint {
  if (!found) return 0n
  return found.value.length === 0 ? found.version : parseCounter(found.value.toString())
}
