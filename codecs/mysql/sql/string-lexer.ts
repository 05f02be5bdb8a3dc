/**
 * From behind the opening quote of a literal to its end, of which the byte behind the closing quote tells: a doubled
 * quote is one of the text. Nothing of the text is kept.
 */
import { isTrailByte } from './bytes.ts'
import { BACKSLASH, QUOTED_BODY, QUOTED_END, QUOTED_ESCAPE, QUOTED_TRAIL } from './codes.ts'

export class StringLexer {
  /** A backslash takes the byte behind it. */
  escapes = true
  /** 1 for each byte that begins a character of two, where that matters. */
  leads: Uint8Array | undefined

  /** More bytes may belong to it. */
  isOpen = false
  #quote = 0
  #within: number = QUOTED_BODY

  /** Behind the opening quote. */
  begin(quote: number): void {
    this.isOpen = true
    this.#quote = quote
    this.#within = QUOTED_BODY
  }

  /** It may end here: the last byte was a closing quote. */
  get isComplete(): boolean {
    return this.#within === QUOTED_END
  }

  /** Takes what belongs to it of the bytes from `at` to `last`; returns where that ends. */
  write(bytes: Uint8Array, at: number, last: number): number {
    let i = at
    while (i < last) {
      switch (this.#within) {
        case QUOTED_BODY:
          i = this.#takeBody(bytes, i, last)
          continue
        case QUOTED_ESCAPE:
          // One byte, also of a character of two.
          i++
          break
        case QUOTED_TRAIL:
          if (isTrailByte(bytes[i]!)) i++
          break
        default:
          if (bytes[i] !== this.#quote) {
            this.isOpen = false
            return i
          }
          i++
      }
      this.#within = QUOTED_BODY
    }
    return i
  }

  #takeBody(bytes: Uint8Array, at: number, last: number): number {
    const quote = this.#quote
    const escapeByte = this.escapes ? BACKSLASH : quote
    const { leads } = this
    let i = at
    while (i < last) {
      const byte = bytes[i++]!
      if (byte === quote) {
        this.#within = QUOTED_END
        break
      }
      if (byte === escapeByte) {
        this.#within = QUOTED_ESCAPE
        break
      }
      if (leads !== undefined && leads[byte] === 1) {
        this.#within = QUOTED_TRAIL
        break
      }
    }
    return i
  }
}
