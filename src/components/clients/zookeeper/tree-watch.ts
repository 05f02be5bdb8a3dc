/**
 * Follows a node and all below it over outages: watched first and read after that, so that nothing is missed in between;
 * then every node is read again of which a change is told. With the next connection it begins anew.
 */
import type { ZooKeeperClient } from './client.ts'
import { type NodeContent, readNode } from './nodes.ts'

export interface TreeObserver {
  /** All there is: at the beginning, and after each loss of the connection. */
  onContents(nodes: readonly NodeContent[]): void
  onNode(node: NodeContent): void
  /** It does not exist, or has no data. */
  onGone(path: string): void
  /** Once for each outage. */
  onOutage(error: Error): void
}

/** What is watched, and how it is read. */
export interface TreeSource {
  readonly root: string
  /** Whether a change of that node is of interest. */
  concerns(path: string): boolean
  read(): Promise<readonly NodeContent[]>
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** Nodes whose change is told but not read yet; beyond it all is read again. */
const MAX_CHANGED = 1_000

export class TreeWatch {
  readonly #client: ZooKeeperClient
  readonly #source: TreeSource
  readonly #observer: TreeObserver
  readonly #changed = new Set<string>()
  #hasRead = false
  #failures = 0
  #isOut = false
  /** Ends what waits for a change, or for the end of a pause. */
  #wake: () => void = () => {}
  #closed = false

  constructor(client: ZooKeeperClient, source: TreeSource, observer: TreeObserver) {
    this.#client = client
    this.#source = source
    this.#observer = observer
    void this.#run()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#follow()
      } catch (error) {
        await this.#onFailure(error as Error)
      }
    }
  }

  /** Resolves when the connection is lost. */
  async #follow(): Promise<void> {
    const connection = await this.#client.connection()
    let isLost = false
    let unwatch = (): void => {}
    const unlisten = connection.listen({
      onEvent: ({ path }) => {
        if (!this.#source.concerns(path)) return
        this.#changed.add(path)
        this.#wake()
      },
      onLost: () => {
        isLost = true
        this.#wake()
      },
    })
    try {
      unwatch = await connection.watchTree(this.#source.root, this.#client.requestTimeoutMs)
      await this.#readAll()
      while (!this.#closed && !isLost) {
        if (this.#changed.size === 0) await this.#pause()
        else if (this.#changed.size > MAX_CHANGED) await this.#readAll()
        else await this.#readChanged()
      }
    } finally {
      unlisten()
      unwatch()
    }
  }

  async #readAll(): Promise<void> {
    this.#changed.clear()
    const nodes = await this.#source.read()
    if (this.#closed) return
    this.#hasRead = true
    this.#failures = 0
    this.#isOut = false
    this.#observer.onContents(nodes)
  }

  async #readChanged(): Promise<void> {
    const paths = [...this.#changed]
    this.#changed.clear()
    const found = await Promise.all(paths.map(path => readNode(this.#client, path)))
    found.forEach((node, i) => {
      if (this.#closed) return
      if (node) this.#observer.onNode(node)
      else this.#observer.onGone(paths[i]!)
    })
  }

  /** That a connection is lost is nothing yet: another server may be there at once. */
  async #onFailure(error: Error): Promise<void> {
    if (this.#closed) return
    const isNew = this.#failures++ === 0
    if (!this.#isOut && !(isNew && this.#hasRead)) {
      this.#isOut = true
      this.#observer.onOutage(error)
    }
    await this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10)))
  }

  /** Until something happens, or that time is over. */
  async #pause(ms?: number): Promise<void> {
    if (this.#closed) return
    await new Promise<void>(resolve => {
      const cancel = ms === undefined ? () => {} : this.#client.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
