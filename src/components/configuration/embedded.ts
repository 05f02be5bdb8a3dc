/** Configuration that Portolan keeps itself, over restarts and crashes. */
import * as z from 'zod/mini'
import type {
  ConfigurationItem,
  ConfigurationObserver,
  ConfigurationStore,
  ConfigurationWatch,
  ItemChange,
  ItemKey,
  Selection,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import type { Clock } from '../../protocol.ts'
import { Durable, dataDirectory, type Journal } from '../clients/embedded/index.ts'
import { ConfigurationData, type Entry, MemoryConfigurationStore, memoryConfigurationOptions } from './memory.ts'

const options = () => z.extend(memoryConfigurationOptions(), { dataDirectory: dataDirectory() })

/** How often a watch tries a store that cannot be opened. */
const RETRY_MS = 1_000

export const embeddedConfiguration: ComponentKind<'configuration'> = {
  api: 'configuration',
  type: 'embedded',
  features: [
    'configuration.get',
    'configuration.list',
    'configuration.prefix',
    'configuration.subscribe',
    'configuration.delete-event',
    'configuration.write',
    'configuration.delete',
    'configuration.cas',
    'configuration.group',
    'configuration.label',
    'configuration.content-type',
    'configuration.history',
  ],
  options,
  async open(config, { name, clock }) {
    const { dataDirectory, ...rest } = config as z.output<ReturnType<typeof options>>
    const durable = new Durable({
      api: 'configuration',
      name,
      dataDirectory,
      load,
      store: use => new MemoryConfigurationStore(use, rest),
    })
    return new EmbeddedConfigurationStore(durable, clock)
  },
}

interface KeptEntry extends Entry {
  readonly place: string
}

function load(journal: Journal): ConfigurationData {
  const data = new ConfigurationData()
  for (const { place, values, present } of journal.entries<KeptEntry>('items')) {
    data.entries.set(place, { values, present })
    data.versions.continue(BigInt(values[0]!.version))
  }
  data.keeper = {
    keep: (place, { values, present }) => journal.put('items', place, { place, values, present } satisfies KeptEntry),
    forget: place => journal.remove('items', place),
  }
  return data
}

class EmbeddedConfigurationStore implements ConfigurationStore {
  readonly #durable: Durable<ConfigurationData, MemoryConfigurationStore>
  readonly #clock: Clock
  readonly #watches = new Set<() => void>()

  constructor(durable: Durable<ConfigurationData, MemoryConfigurationStore>, clock: Clock) {
    this.#durable = durable
    this.#clock = clock
  }

  get(selection: Selection): Promise<readonly ConfigurationItem[]> {
    return this.#durable.call(memory => memory.get(selection))
  }

  watch(selection: Selection, observer: ConfigurationObserver): ConfigurationWatch {
    let end = () => {}
    let closed = false
    let told = false
    const begin = async () => {
      try {
        const { memory } = await this.#durable.open()
        if (closed) return
        const watch = memory.watch(selection, observer)
        end = () => watch.close()
      } catch (error) {
        if (closed) return
        if (!told) observer.onOutage(error as Error)
        told = true
        end = this.#clock.after(RETRY_MS, () => void begin())
      }
    }
    void begin()
    const close = () => {
      closed = true
      end()
      this.#watches.delete(close)
    }
    this.#watches.add(close)
    return { close }
  }

  write(changes: readonly ItemChange[]): Promise<readonly string[]> {
    return this.#durable.call(memory => memory.write(changes))
  }

  history(key: ItemKey, limit: number): Promise<readonly ConfigurationItem[]> {
    return this.#durable.call(memory => memory.history(key, limit))
  }

  check(timeoutMs: number) {
    return this.#durable.check(timeoutMs)
  }

  async close(): Promise<void> {
    for (const close of this.#watches) close()
    await this.#durable.close()
  }
}
