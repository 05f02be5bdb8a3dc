/**
 * Something that is read from files as a whole, and told to observers whenever it has changed. Folders are watched; the
 * files are read now and then as well, because not every file system tells of changes and a folder may be replaced.
 */
import { watchFiles } from '../../../config/index.ts'
import type { Logger } from '../../../observability/logger.ts'
import type { Clock } from '../../../protocol.ts'

export interface Loaded<T> {
  readonly value: T
  /** Differs when the value does. */
  readonly fingerprint: string
  /** Files whose folders are to be watched. */
  readonly watched: readonly string[]
}

export interface SourceObserver<T> {
  onValue(value: T): void
  /** It cannot be read; said once until it can be again. */
  onOutage(error: Error): void
}

/** What is written as one is mostly told as several changes in a row. */
const SETTLE_MS = 20
const LOOK_EVERY_MS = 2_000

export class FileSource<T> {
  readonly #load: () => Promise<Loaded<T>>
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #observers = new Set<SourceObserver<T>>()
  #last: Loaded<T> | undefined
  #failed: Error | undefined
  #watched = ''
  #unwatch = (): void => {}
  #stopLooking: (() => void) | undefined
  #looking: Promise<void> | undefined
  #lookAgain = false

  constructor(load: () => Promise<Loaded<T>>, logger: Logger, clock: Clock) {
    this.#load = load
    this.#logger = logger
    this.#clock = clock
  }

  /** As it is now. Rejects as the loading does. */
  async read(): Promise<T> {
    return (await this.#load()).value
  }

  /** Tells the value as it is, and again whenever it has changed. Returns a function that ends it. */
  observe(observer: SourceObserver<T>): () => void {
    this.#observers.add(observer)
    if (this.#stopLooking) {
      if (this.#failed) observer.onOutage(this.#failed)
      else if (this.#last) observer.onValue(this.#last.value)
    } else {
      this.#stopLooking = this.#clock.every(LOOK_EVERY_MS, () => void this.#look())
      void this.#look()
    }
    return () => {
      this.#observers.delete(observer)
      if (this.#observers.size === 0) this.#rest()
    }
  }

  close(): void {
    this.#observers.clear()
    this.#rest()
  }

  #rest(): void {
    this.#stopLooking?.()
    this.#stopLooking = undefined
    this.#unwatch()
    this.#watched = ''
    this.#last = undefined
    this.#failed = undefined
  }

  /** Looks once at a time; what changes meanwhile is looked at afterwards. */
  #look(): Promise<void> {
    this.#lookAgain = true
    return (this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
    }))
  }

  async #lookOnce(): Promise<void> {
    while (this.#lookAgain && this.#stopLooking) {
      this.#lookAgain = false
      const round = this.#stopLooking
      const loaded = await this.#load().catch((error: Error) => error)
      // Nobody observes any more, or others since.
      if (this.#stopLooking !== round) continue
      if (loaded instanceof Error) this.#fail(loaded)
      else this.#tell(loaded)
    }
  }

  #fail(error: Error): void {
    // The folder may come back as another one.
    this.#unwatch()
    this.#watched = ''
    if (this.#failed) return
    this.#failed = error
    this.#last = undefined
    for (const observer of [...this.#observers]) observer.onOutage(error)
  }

  #tell(loaded: Loaded<T>): void {
    this.#failed = undefined
    const watched = loaded.watched.join('\0')
    if (watched !== this.#watched) {
      this.#unwatch()
      this.#watched = watched
      this.#unwatch = watchFiles(loaded.watched, this.#logger, () => void this.#look(), SETTLE_MS)
      // It may have changed between the reading and the watching.
      this.#lookAgain = true
    }
    if (this.#last?.fingerprint === loaded.fingerprint) return
    this.#last = loaded
    for (const observer of [...this.#observers]) observer.onValue(loaded.value)
  }
}
