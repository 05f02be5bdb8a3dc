/** The records of one embedded component, which works in memory and writes every change here; an answer waits for that. */
import { createHash } from 'node:crypto'
import { type Disk, useDisk } from './disk.ts'

/** LMDB's longest key is 1978 bytes; a longer name is kept under its digest. */
const LONGEST_NAME = 1_500

/** JSON under a table and a name, with bytes beside it where there are any. */
export class Journal {
  readonly #disk: Disk
  readonly #scope: string
  readonly #release: () => Promise<void>
  #last: Promise<void> = Promise.resolve()

  private constructor(disk: Disk, scope: string, release: () => Promise<void>) {
    this.#disk = disk
    this.#scope = scope
    this.#release = release
  }

  /** Rejects with `unavailable` while the directory cannot be used or written. */
  static async open(directory: string, scope: string): Promise<Journal> {
    const { value: disk, release } = await useDisk(directory)
    try {
      await disk.whole()
    } catch (error) {
      await release()
      throw error
    }
    return new Journal(disk, scope, release)
  }

  /** What is put and removed within one turn of the event loop is on the disk as a whole or not at all. */
  put(table: string, name: string, value: unknown, data?: Buffer): void {
    this.#last = this.#disk.change(this.#key(table, name), {
      text: JSON.stringify(value),
      ...(data && { data }),
    })
  }

  remove(table: string, name: string): void {
    this.#last = this.#disk.change(this.#key(table, name), undefined)
  }

  *entries<T>(table: string): Generator<T> {
    const range = { start: [this.#scope, table, ''], end: [this.#scope, table, '\uffff'] }
    for (const { value } of this.#disk.texts.getRange(range)) yield JSON.parse(value)
  }

  get<T>(table: string, name: string): T | undefined {
    const text = this.#disk.texts.get(this.#key(table, name))
    return text === undefined ? undefined : JSON.parse(text)
  }

  data(table: string, name: string): Buffer | undefined {
    return this.#disk.data.get(this.#key(table, name))
  }

  /** Resolves when everything so far is on the disk; rejects with `unknown` when that did not take it. */
  async committed(): Promise<void> {
    await this.#last
    this.#disk.taken()
  }

  /** Rejects with `unavailable` while changes from before are not on the disk: nobody is told what may be gone soon. */
  whole(): Promise<void> {
    return this.#disk.whole()
  }

  async close(): Promise<void> {
    await this.#last
    await this.#release()
  }

  #key(table: string, name: string): string[] {
    const isShort = Buffer.byteLength(name) <= LONGEST_NAME
    return [this.#scope, table, isShort ? `n${name}` : `h${createHash('sha256').update(name).digest('hex')}`]
  }
}
