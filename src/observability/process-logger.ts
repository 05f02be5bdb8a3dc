/**
 * The process's logger. Until open() has loaded pino (after the listeners are bound) lines wait in a queue; from then
 * on they go through the redactor to standard output, or to standard error beside an application.
 */
import type { LogConfig } from '../config/index.ts'
import type { LogFields, Logger } from './logger.ts'
import { redactFields, redactText } from './redact.ts'

export type Level = LogConfig['level']

export interface LogLine {
  readonly level: Level
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly fields: LogFields
  readonly message: string
}

/** Where lines go; pino.ts makes one. */
export interface LogSink {
  write(line: LogLine, format: LogConfig['format']): void
  /** Resolves when everything is written, or cannot be. */
  flush(): Promise<void>
  /** Writes blocking what nobody is writing yet: for the last words of a process. */
  flushSync(): void
}

const RANK: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** More lines than any start writes; beyond it the oldest are dropped. */
const MAX_QUEUED = 1000

export class ProcessLogger implements Logger {
  readonly #fd: number
  #rank = RANK.info
  #format: LogConfig['format'] = 'json'
  #queue: LogLine[] = []
  #sink: LogSink | undefined
  #opening: Promise<void> | undefined

  /** Writes to that file descriptor: 1 is standard output. */
  constructor(fd = 1) {
    this.#fd = fd
  }

  /** Takes a configuration; at the first time loads pino, a turn of the event loop later, and writes what has waited. */
  open({ level, format }: LogConfig): Promise<void> {
    this.#rank = RANK[level]
    this.#format = format
    return (this.#opening ??= this.#load())
  }

  async #load(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    const { openPino } = await import('./pino.ts')
    this.#sink = openPino(this.#fd)
    for (const line of this.#queue.splice(0)) {
      if (RANK[line.level] >= this.#rank) this.#sink.write(line, this.#format)
    }
  }

  /** Resolves when everything is written, or cannot be. */
  async flush(): Promise<void> {
    await this.#opening
    await this.#sink?.flush()
  }

  /** For the last words of a process: writes blocking; what pino never got goes to standard error as plain JSON. */
  flushSync(): void {
    this.#sink?.flushSync()
    for (const { fields, ...line } of this.#queue.splice(0)) {
      process.stderr.write(`${redactText(JSON.stringify({ ...line, ...(redactFields(fields) as LogFields) }))}\n`)
    }
  }

  log(level: Level, fields: LogFields, message: string): void {
    // Before open() the level is not known yet: what is too fine is dropped when the queue is written.
    if (this.#sink && RANK[level] < this.#rank) return
    const line = { level, time: Date.now(), fields, message }
    if (this.#sink) this.#sink.write(line, this.#format)
    else this.#queue.push(line)
    if (this.#queue.length > MAX_QUEUED) this.#queue.shift()
  }

  debug(fields: LogFields, message: string): void {
    this.log('debug', fields, message)
  }
  info(fields: LogFields, message: string): void {
    this.log('info', fields, message)
  }
  warn(fields: LogFields, message: string): void {
    this.log('warn', fields, message)
  }
  error(fields: LogFields, message: string): void {
    this.log('error', fields, message)
  }
  child(fields: LogFields): Logger {
    return new ChildLogger(this, fields)
  }
}

class ChildLogger implements Logger {
  readonly #root: ProcessLogger
  readonly #fields: LogFields

  constructor(root: ProcessLogger, fields: LogFields) {
    this.#root = root
    this.#fields = fields
  }

  debug(fields: LogFields, message: string): void {
    this.#root.log('debug', { ...this.#fields, ...fields }, message)
  }
  info(fields: LogFields, message: string): void {
    this.#root.log('info', { ...this.#fields, ...fields }, message)
  }
  warn(fields: LogFields, message: string): void {
    this.#root.log('warn', { ...this.#fields, ...fields }, message)
  }
  error(fields: LogFields, message: string): void {
    this.#root.log('error', { ...this.#fields, ...fields }, message)
  }
  child(fields: LogFields): Logger {
    return new ChildLogger(this.#root, { ...this.#fields, ...fields })
  }
}
