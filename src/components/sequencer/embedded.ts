/** Sequences that Portolan keeps itself, over restarts and crashes. */
import * as z from 'zod/mini'
import type { SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'
import { Durable, dataDirectory, type Journal } from '../clients/embedded/index.ts'
import { MemorySequencerStore, type Sequences } from './memory.ts'

const options = () =>
  z.strictObject({
    dataDirectory: dataDirectory(),
    maxKeys: z
      ._default(z.int().check(z.minimum(1)), 100_000)
      .apply(described('Sequences that may be begun; more are refused.')),
  })

export const embeddedSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'embedded',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  async open(config, { name }) {
    const { dataDirectory, maxKeys } = config as z.output<ReturnType<typeof options>>
    return new EmbeddedSequencerStore(
      new Durable({
        api: 'sequencer',
        name,
        dataDirectory,
        load: journal => new KeptSequences(journal),
        store: use => new MemorySequencerStore(use, maxKeys),
      }),
    )
  },
}

class EmbeddedSequencerStore implements SequencerStore {
  readonly #durable: Durable<Sequences, MemorySequencerStore>

  constructor(durable: Durable<Sequences, MemorySequencerStore>) {
    this.#durable = durable
  }

  reserve(key: string, count: number): Promise<bigint> {
    return this.#durable.call(memory => memory.reserve(key, count))
  }

  check(timeoutMs: number) {
    return this.#durable.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#durable.close()
  }
}

type KeptSequence = readonly [key: string, last: string]

class KeptSequences implements Sequences {
  readonly #journal: Journal
  readonly #last = new Map<string, bigint>()

  constructor(journal: Journal) {
    this.#journal = journal
    for (const [key, last] of journal.entries<KeptSequence>('last')) this.#last.set(key, BigInt(last))
  }

  get size(): number {
    return this.#last.size
  }

  get(key: string): bigint | undefined {
    return this.#last.get(key)
  }

  set(key: string, last: bigint): void {
    this.#last.set(key, last)
    const kept: KeptSequence = [key, String(last)]
    this.#journal.put('last', key, kept)
  }
}
