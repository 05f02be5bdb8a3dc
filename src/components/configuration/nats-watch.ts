/** A watch in NATS KV that begins anew after each loss: all is told again then, so nothing is missed over an outage. */
import type { ConfigurationWatch } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { apiError, type Follower } from '../clients/nats/index.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

export interface WatchFollower extends Follower {
  /** Once for each outage. */
  onOutage(error: Error): void
}

export class NatsConfigurationWatch implements ConfigurationWatch {
  readonly #clock: Clock
  readonly #follow: (follower: Follower, signal: AbortSignal) => Promise<void>
  readonly #follower: WatchFollower
  readonly #end = new AbortController()
  #hasBegun = false
  #failures = 0
  #isOut = false
  #wake = (): void => {}

  /** `follow` tells until it is lost, and rejects then. */
  constructor(
    clock: Clock,
    follow: (follower: Follower, signal: AbortSignal) => Promise<void>,
    follower: WatchFollower,
  ) {
    this.#clock = clock
    this.#follow = follow
    this.#follower = follower
    void this.#run()
  }

  close(): void {
    this.#end.abort()
    this.#wake()
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    const follower: Follower = {
      onContents: entries => {
        this.#hasBegun = true
        this.#failures = 0
        this.#isOut = false
        this.#follower.onContents(entries)
      },
      onEntry: entry => this.#follower.onEntry(entry),
    }
    while (!signal.aborted) {
      try {
        await this.#follow(follower, signal)
      } catch (error) {
        await this.#onFailure(error)
      }
    }
  }

  /** That a connection is lost is nothing yet: another server may be there at once. */
  async #onFailure(error: unknown): Promise<void> {
    if (this.#end.signal.aborted) return
    const isNew = this.#failures++ === 0
    if (!this.#isOut && !(isNew && this.#hasBegun)) {
      this.#isOut = true
      this.#follower.onOutage(apiError(error, true))
    }
    const ms = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10))
    await new Promise<void>(resolve => {
      const cancel = this.#clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
