/** Sequences in Redis: a key holds the last number that is given out, and INCRBY reserves the next. */
import * as z from 'zod/mini'
import type { SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { RedisClient } from '../clients/redis/index.ts'

const options = () =>
  z.strictObject({
    prefix: z._default(z.string(), 'sequencer:').apply(described('Stands before the key of a sequence.')),
  })

export const redisSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'redis',
  backend: 'redis',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  open: async (raw, context) => {
    const { prefix } = raw as z.output<ReturnType<typeof options>>
    return new RedisSequencerStore(new RedisClient(context), prefix)
  },
}

class RedisSequencerStore implements SequencerStore {
  readonly #client: RedisClient
  readonly #prefix: string

  constructor(client: RedisClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  async reserve(key: string, count: number): Promise<bigint> {
    const last = await this.#client.ask(['INCRBY', this.#prefix + key, String(count)])
    return BigInt(last as number | bigint) - BigInt(count) + 1n
  }
}
