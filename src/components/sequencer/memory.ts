/** Sequences in the memory of this process: they begin anew with it, so for tests and for numbers that live no longer. */
import * as z from 'zod/mini'
import { ApiError, type SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { type DataUse, SharedData } from '../clients/memory/index.ts'

const options = () =>
  z.strictObject({
    maxKeys: z
      ._default(z.int().check(z.minimum(1)), 100_000)
      .apply(described('Sequences that may be begun; more are refused.')),
  })

/** The last number that was given of each key. */
export interface Sequences {
  get(key: string): bigint | undefined
  set(key: string, last: bigint): unknown
  readonly size: number
}

const shared = new SharedData<Sequences>(() => new Map())

export const memorySequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'memory',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  async open(config, { name }) {
    const { maxKeys } = config as z.output<ReturnType<typeof options>>
    return new MemorySequencerStore(shared.use(name), maxKeys)
  },
}

export class MemorySequencerStore implements SequencerStore {
  readonly #use: DataUse<Sequences>
  readonly #maxKeys: number

  constructor(use: DataUse<Sequences>, maxKeys: number) {
    this.#use = use
    this.#maxKeys = maxKeys
  }

  async reserve(key: string, count: number): Promise<bigint> {
    const sequences = this.#use.data
    const last = sequences.get(key)
    if (last === undefined && sequences.size >= this.#maxKeys)
      throw new ApiError('exhausted', `more than ${this.#maxKeys} sequences were begun`)
    sequences.set(key, (last ?? 0n) + BigInt(count))
    return (last ?? 0n) + 1n
  }

  async check() {
    return this.#use.check()
  }

  async close(): Promise<void> {
    this.#use.close()
  }
}
