/** A buffer, and views of its first bytes that are kept: most reads and writes have one of few lengths. */

/** Longer ones are made anew each time. */
const MAX_KEPT_VIEW = 2048

export class Prefixes {
  readonly bytes: Buffer
  readonly #kept: (Buffer | undefined)[] = new Array(MAX_KEPT_VIEW + 1)

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafeSlow(length)
  }

  first(length: number): Buffer {
    if (length > MAX_KEPT_VIEW) return this.bytes.subarray(0, length)
    return (this.#kept[length] ??= this.bytes.subarray(0, length))
  }
}
