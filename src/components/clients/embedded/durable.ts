/**
 * A memory store whose data is kept in a journal: read when the first of its name is opened, by the first call that
 * needs it, and tried again by each call while that fails.
 */
import { ApiError, type Store, type StoreFacts } from '../../../apis/index.ts'
import { DataUse } from '../memory/index.ts'
import { Journal } from './journal.ts'
import { Shared } from './shared.ts'

export interface DurablePlan<Data, Memory extends Store> {
  /** Such as `lock`. */
  readonly api: string
  /** The component's. */
  readonly name: string
  readonly dataDirectory: string
  /** Reads what was kept, and lets the data write its changes to the journal. */
  load(journal: Journal): Data
  /** Lets go of what `load` began, such as timers. */
  unload?(data: Data): void
  store(use: DataUse<Data>): Memory
}

interface Loaded {
  readonly journal: Journal
  readonly data: unknown
}

const loaded = new Shared<Loaded>()

export class Durable<Data, Memory extends Store> {
  readonly #plan: DurablePlan<Data, Memory>
  #opening: Promise<{ memory: Memory; journal: Journal; release(): Promise<void> }> | undefined
  #closed = false

  constructor(plan: DurablePlan<Data, Memory>) {
    this.#plan = plan
  }

  /** The call is made on memory, in the order of the calls; its answer waits until what it changed is on the disk. */
  async call<T>(work: (memory: Memory) => Promise<T>): Promise<T> {
    const { memory, journal } = await this.open()
    await journal.whole()
    const answer = await work(memory)
    await journal.committed()
    return answer
  }

  check(timeoutMs: number): Promise<StoreFacts> {
    return this.call(memory => memory.check(timeoutMs))
  }

  async close(): Promise<void> {
    this.#closed = true
    const opened = await this.#opening?.catch(() => undefined)
    await opened?.memory.close()
    await opened?.release()
  }

  open(): Promise<{ memory: Memory; journal: Journal }> {
    const { name } = this.#plan
    if (this.#closed) return Promise.reject(new ApiError('unavailable', `component ${name} is closed`))
    this.#opening ??= this.#load().catch(error => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #load() {
    const { api, name, dataDirectory, load, unload, store } = this.#plan
    const { value, release } = await loaded.use(
      JSON.stringify([dataDirectory, api, name]),
      async () => {
        const journal = await Journal.open(dataDirectory, `${api}/${name}`)
        return { journal, data: load(journal) }
      },
      async ({ journal, data }) => {
        unload?.(data as Data)
        await journal.close()
      },
    )
    const memory = store(new DataUse(name, value.data as Data, () => {}))
    return { memory, journal: value.journal, release }
  }
}
