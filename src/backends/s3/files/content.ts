/** The bytes of an object that is open for reading. They stay readable, whatever becomes of the key. */
import type { Bodies } from './bodies.ts'
import type { ObjectRecord } from './record.ts'
import { SealedFile } from './sealed-file.ts'

export interface Content {
  readonly record: ObjectRecord
  /** Fills the buffer from that position of the object; fewer bytes than it has room for only where a file of it ends. */
  read(into: Buffer, position: number): Promise<number>
  close(): Promise<void>
}

/** Bytes in a folder of their own: one file for each part. */
export class BodyContent implements Content {
  readonly record: ObjectRecord
  readonly #bodies: Bodies
  /** Where each file begins. */
  readonly #files: readonly { readonly name: number; readonly start: number; readonly size: number }[]
  #open: { readonly name: number; readonly file: SealedFile<unknown> } | undefined
  #closed = false

  /** The body has been retained; close() releases it. */
  constructor(record: ObjectRecord, bodies: Bodies) {
    this.record = record
    this.#bodies = bodies
    let start = 0
    this.#files = filesOf(record).map(({ name, size }) => {
      const file = { name, start, size }
      start += size
      return file
    })
  }

  async read(into: Buffer, position: number): Promise<number> {
    const part = this.#files.find(({ start, size }) => position >= start && position < start + size)
    if (!part) return 0
    if (this.#open?.name !== part.name) {
      await this.#closeFile()
      const path = this.#bodies.path(this.record.body!, part.name)
      const file = await SealedFile.open(path)
      if (!file) throw new Error(`${path} is missing`)
      this.#open = { name: part.name, file }
    }
    const within = position - part.start
    return this.#open!.file.read(into.subarray(0, Math.min(into.length, part.size - within)), within)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.#closeFile()
    } finally {
      await this.#bodies.release(this.record.body!)
    }
  }

  async #closeFile(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.file.close()
  }
}

/** The files of a body by name, and how many bytes each gives. */
export function filesOf(record: ObjectRecord): readonly { readonly name: number; readonly size: number }[] {
  return record.parts?.map(({ number, size }) => ({ name: number, size })) ?? [{ name: 1, size: record.size }]
}
