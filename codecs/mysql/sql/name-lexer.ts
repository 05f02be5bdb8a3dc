/**
 * From behind the opening quote of a name to its end, of which the byte behind the closing quote tells: a doubled quote
 * is one of the name. It is written to the normal form and hashed like a word.
 */
import { isTrailByte, nameByte } from './bytes.ts'
import {
  BACKTICK,
  HASH_FIRST,
  HASH_FIRST_PRIME,
  HASH_SECOND,
  HASH_SECOND_PRIME,
  QUOTED_BODY,
  QUOTED_END,
  QUOTED_TRAIL,
} from './codes.ts'
import type { NormalForm } from './digest.ts'

export class NameLexer {
  /** 1 for each byte that begins a character of two, where that matters. */
  leads: Uint8Array | undefined

  /** More bytes may belong to it. */
  isOpen = false
  /** The quote around it. */
  quote = 0
  /** The hashes of what came so far. */
  first = 0
  second = 0
  readonly #form: NormalForm
  #within: number = QUOTED_BODY

  constructor(form: NormalForm) {
    this.#form = form
  }

  /** Behind the opening quote. */
  begin(quote: number): void {
    const form = this.#form
    this.isOpen = true
    this.quote = quote
    this.first = HASH_FIRST
    this.second = HASH_SECOND
    this.#within = QUOTED_BODY
    form.begin()
    if (quote === BACKTICK) form.bytes[form.length++] = BACKTICK
  }

  /** It may end here: the last byte was a closing quote. */
  get isComplete(): boolean {
    return this.#within === QUOTED_END
  }

  /** Takes what belongs to it of the bytes from `at` to `last`; returns where that ends. */
  write(bytes: Uint8Array, at: number, last: number): number {
    const form = this.#form
    let i = at
    while (i < last) {
      if (this.#within === QUOTED_BODY) {
        i = this.#takeBody(bytes, i, last)
        continue
      }
      const byte = bytes[i]!
      if (this.#within === QUOTED_END) {
        if (byte !== this.quote) {
          this.isOpen = false
          return i
        }
        form.bytes[form.length++] = byte
      }
      if (this.#within === QUOTED_END || isTrailByte(byte)) {
        this.first = Math.imul(this.first ^ byte, HASH_FIRST_PRIME)
        form.bytes[form.length++] = byte
        i++
      }
      this.#within = QUOTED_BODY
    }
    return i
  }

  #takeBody(bytes: Uint8Array, at: number, last: number): number {
    const { quote, leads } = this
    const out = this.#form.bytes
    let { first, second } = this
    let length = this.#form.length | 0
    let i = at
    while (i < last) {
      const byte = bytes[i++]!
      if (byte === quote) {
        this.#within = QUOTED_END
        break
      }
      const folded = nameByte[byte]!
      first = Math.imul(first ^ folded, HASH_FIRST_PRIME)
      second = Math.imul(second ^ folded, HASH_SECOND_PRIME)
      out[length++] = folded
      if (leads !== undefined && leads[byte] === 1) {
        this.#within = QUOTED_TRAIL
        break
      }
    }
    this.#form.length = length
    this.first = first
    this.second = second
    return i
  }
}
