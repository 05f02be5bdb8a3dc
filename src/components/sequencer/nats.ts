/** Sequences in NATS KV: a key holds the last number that is given out, and grows by compare-and-set. */
import * as z from 'zod/mini'
import type { SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { Bucket, NatsClient, type NatsOptions, natsOptions } from '../clients/nats/index.ts'
import { advanced, MAX_ATTEMPTS, parseCounter, tooContended } from './counter.ts'
import { InTurn } from './in-turn.ts'

const options = () =>
  z.strictObject({
    ...natsOptions(),
    bucket: z
      ._default(z.string().check(z.regex(/^[-\w]+$/)), 'portolan-sequencer')
      .apply(described('The KV bucket of the sequences; made when it does not exist.')),
  })

export const natsSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'nats',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  open: async (raw, context) => {
    const { bucket, ...rest } = raw as z.output<ReturnType<typeof options>>
    return new NatsSequencerStore(new Bucket(await NatsClient.open(rest as NatsOptions, context), bucket))
  },
}

class NatsSequencerStore implements SequencerStore {
  readonly #bucket: Bucket
  readonly #turns: InTurn

  constructor(bucket: Bucket) {
    this.#bucket = bucket
    this.#turns = new InTurn(bucket.client.clock, bucket.client.requestTimeoutMs)
  }

  check(timeoutMs: number) {
    return this.#bucket.client.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#bucket.client.close()
  }

  reserve(key: string, count: number): Promise<bigint> {
    return this.#turns.run(key, () => this.#reserve(key, count))
  }

  async #reserve(key: string, count: number): Promise<bigint> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { revision, value } = await this.#bucket.find(key)
      const last = value === undefined ? 0n : parseCounter(value)
      const text = String(advanced(last, count))
      if ((await this.#bucket.replace(key, revision, text)) !== undefined) return last + 1n
    }
    throw tooContended()
  }
}
