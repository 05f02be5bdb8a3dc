/**
 * The signals of a running process: the first SIGTERM or SIGINT asks it to stop, the second ends it at once, SIGHUP
 * asks for a reload. They are remembered from the first moment, whatever the process is doing.
 */
import { exitCodeOf } from './exit-codes.ts'

export class Signals {
  /** Resolves with the first signal that asks to stop. */
  readonly stop: Promise<NodeJS.Signals>
  #onHangup: (() => void) | undefined
  #hangups = 0

  /**
   * onForced runs before the process ends at once: the last moment for what must not outlive it. With ignoreInterrupt
   * a SIGINT means nothing.
   */
  constructor(onForced: () => void, { ignoreInterrupt = false } = {}) {
    let stopping = false
    this.stop = new Promise(resolve => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const launchers = process.listeners(signal)
        process.on(signal, () => {
          if (signal === 'SIGINT' && ignoreInterrupt) return
          if (stopping) {
            onForced()
            process.exit(exitCodeOf(signal))
          }
          stopping = true
          resolve(signal)
        })
        // The launcher's, which end a process that serves nobody yet. They go last: without any handler in between,
        // Node would forget a signal that has come already.
        for (const listener of launchers) process.off(signal, listener)
      }
    })
    process.on('SIGHUP', () => {
      this.#hangups++
      this.#onHangup?.()
    })
  }

  /** One that came before is told now. */
  onHangup(callback: () => void): void {
    this.#onHangup = callback
    if (this.#hangups > 0) callback()
  }
}
