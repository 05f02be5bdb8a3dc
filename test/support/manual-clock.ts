import type { Clock } from '../../src/protocol.ts'

/** A clock that stands still until told to move. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ at: number; readonly everyMs: number | undefined; readonly callback: () => void }>()

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    return this.#add(ms, undefined, callback)
  }

  every(ms: number, callback: () => void): () => void {
    return this.#add(ms, ms, callback)
  }

  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#now = due.at
      if (due.everyMs === undefined) this.#timers.delete(due)
      else due.at += due.everyMs
      due.callback()
    }
    this.#now = end
  }

  #add(ms: number, everyMs: number | undefined, callback: () => void): () => void {
    const timer = { at: this.#now + ms, everyMs, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }
}
