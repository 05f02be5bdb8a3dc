/**
 * Writes log lines to a file descriptor in the background. It never holds up the process: a reader that is stuck costs
 * lines, not memory, and an output that is gone or full costs nothing. (pino's own destination retries such errors
 * forever when the process ends.)
 */
import { write, writeSync } from 'node:fs'

/** What waits for a reader that is stuck; beyond it lines are dropped. */
const MAX_WAITING_CHARACTERS = 1024 * 1024

/** An output in non-blocking mode that is full is tried again so often, and for the last words at most so many times. */
const RETRY_MS = 20
const LAST_RETRIES = 50

/** How long an orderly end waits. */
const FLUSH_TIMEOUT_MS = 1000

export class LogOutput {
  readonly #fd: number
  #waiting = ''
  #writing: Buffer | undefined
  #onIdle: (() => void)[] = []

  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > MAX_WAITING_CHARACTERS) return
    this.#waiting += line
    if (!this.#writing) this.#next()
  }

  /** Resolves when everything is written, or cannot be. */
  flush(): Promise<void> {
    return new Promise(resolve => {
      if (!this.#writing) return resolve()
      const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS)
      this.#onIdle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Writes blocking what waits, for the last words of a process; what is being written is left to the system. */
  flushSync(): void {
    let rest = Buffer.from(this.#waiting)
    this.#waiting = ''
    for (let tries = 0; rest.length > 0 && tries < LAST_RETRIES; tries++) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest))
      } catch (error) {
        if (!isFull(error)) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
      }
    }
  }

  #next(): void {
    this.#writing = Buffer.from(this.#waiting)
    this.#waiting = ''
    this.#write(this.#writing)
  }

  #write(bytes: Buffer): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (isFull(error)) setTimeout(() => this.#write(bytes), RETRY_MS).unref()
      else if (!error && written < bytes.length) this.#write(bytes.subarray(written))
      else this.#settle()
    })
  }

  #settle(): void {
    this.#writing = undefined
    if (this.#waiting) return this.#next()
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
