/** Where the assignments of SETs to user variables stand in the text, for set-statement.ts. */
import { LAST_LITERAL } from './codes.ts'
import type { NormalForm } from './digest.ts'

/** Assignments of user variables in SETs that are kept. */
export const MAX_ASSIGNMENTS = 32

export class Assignments {
  /** How many there are; the first MAX_ASSIGNMENTS of them are kept. */
  count = 0
  /** Of each: start and end of the variable behind `@`, of the value, and 1 if that is one literal. */
  readonly spans = new Float64Array(5 * MAX_ASSIGNMENTS)
  readonly #form: NormalForm
  #isOpen = false
  /** Where the value begins in the normal form; -1 before. */
  #valueForm = -1

  constructor(form: NormalForm) {
    this.#form = form
  }

  /** A text is to come. */
  reset(): void {
    this.count = 0
    this.#isOpen = false
  }

  /** Behind the `@` of a variable. */
  begin(at: number): void {
    this.#isOpen = true
    this.#valueForm = -1
    if (this.count < MAX_ASSIGNMENTS) this.spans[5 * this.count] = at
  }

  /** Behind the `=` of an item of a SET, which may be another one than of a user variable. */
  beginValue(end: number): void {
    this.#valueForm = this.#form.length
    if (!this.#isOpen || this.count >= MAX_ASSIGNMENTS) return
    const at = 5 * this.count
    this.spans[at + 1] = end - 1
    this.spans[at + 2] = end
  }

  /** The item is over; `end` is where its last token ended. */
  end(end: number): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.count < MAX_ASSIGNMENTS) {
      const at = 5 * this.count
      const form = this.#form
      // The normal form of one literal is a blank and a question mark.
      const isLiteral = this.#valueForm >= 0 && form.last === LAST_LITERAL && form.length === this.#valueForm + 2
      if (this.#valueForm < 0) this.spans.fill(end, at + 1, at + 3)
      this.spans[at + 3] = end
      this.spans[at + 4] = Number(isLiteral)
    }
    this.count++
  }
}
