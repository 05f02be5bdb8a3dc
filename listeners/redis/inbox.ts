/**
 * What came from a client and could not be used yet: the beginning of a request, or requests that must wait. Kept out
 * of the shared read buffer, and put in front of the next read.
 */
const EMPTY = Buffer.alloc(0)

export class Inbox {
  #bytes: Buffer = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Appends what lies between start and end of a buffer that is not ours; grows to `expected` at once if told. */
  keep(bytes: Buffer, start: number, end: number, expected = 0): void {
    const length = this.#length + end - start
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, expected, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    bytes.copy(this.#bytes, this.#length, start, end)
    this.#length = length
  }

  /** Drops the first bytes. */
  drop(count: number): void {
    this.#bytes.copyWithin(0, count, this.#length)
    this.#length -= count
  }

  /** Lets go of everything, memory included: most sessions are idle. */
  clear(): void {
    this.#bytes = EMPTY
    this.#length = 0
  }
}
