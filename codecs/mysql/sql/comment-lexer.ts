/**
 * From behind the beginning of a comment to its end, or to where the server begins to execute what is in it:
 *
 *     / * ... * /   / * ! ... * /   / * !50000 ... * /   / * M!100100 ... * / (MariaDB)       without the blanks
 *
 * A comment that is skipped because of its version may have one other in it.
 */
import {
  COMMENT_BODY,
  COMMENT_MARIADB,
  COMMENT_NESTED,
  COMMENT_SKIPPED,
  COMMENT_START,
  COMMENT_VERSION,
  SLASH,
  STAR,
} from './codes.ts'

const EXCLAMATION_MARK = 33
const LETTER_M = 77

/** MySQL's versions from here on mean nothing to MariaDB, which skips such comments. */
const FIRST_MYSQL_ONLY = 50700
const LAST_MYSQL_ONLY = 99999

export class CommentLexer {
  isMariaDb = false
  /** As in versioned comments; 0: all are executed. */
  serverVersion = 0

  /** More bytes may belong to it. */
  isOpen = false
  /** What follows is executed, up to the end of the comment. */
  isExecuted = false
  /** Other servers would decide otherwise. */
  isVersioned = false

  #within: number = COMMENT_START
  /** The byte before. */
  #before = 0
  #version = 0
  #digits = 0
  #isForMariaDb = false

  /** Behind the asterisk. */
  begin(): void {
    this.isOpen = true
    this.isExecuted = false
    this.isVersioned = false
    this.#within = COMMENT_START
    this.#before = 0
    this.#version = 0
    this.#digits = 0
    this.#isForMariaDb = false
  }

  /** Takes what belongs to it of the bytes from `at` to `last`; returns where that ends. */
  write(bytes: Uint8Array, at: number, last: number): number {
    let i = at
    while (i < last) {
      const byte = bytes[i]!
      switch (this.#within) {
        case COMMENT_START:
          if (byte === EXCLAMATION_MARK) this.#within = COMMENT_VERSION
          else if (byte === LETTER_M && this.isMariaDb) this.#within = COMMENT_MARIADB
          else {
            this.#within = COMMENT_BODY
            continue
          }
          break
        case COMMENT_MARIADB:
          if (byte !== EXCLAMATION_MARK) {
            this.#within = COMMENT_BODY
            continue
          }
          this.#isForMariaDb = true
          this.#within = COMMENT_VERSION
          break
        case COMMENT_VERSION:
          if (byte < 48 || byte > 57 || this.#digits === 6) {
            if (this.#decide()) return i
            continue
          }
          this.#version = this.#version * 10 + byte - 48
          this.#digits++
          break
        default: {
          if (this.#before === STAR && byte === SLASH) {
            if (this.#within !== COMMENT_NESTED) {
              this.isOpen = false
              return i + 1
            }
            this.#within = COMMENT_SKIPPED
            this.#before = 0
          } else if (this.#before === SLASH && byte === STAR && this.#within === COMMENT_SKIPPED) {
            this.#within = COMMENT_NESTED
            this.#before = 0
          } else {
            this.#before = byte
          }
        }
      }
      i++
    }
    return i
  }

  /** Behind the version: whether the server executes what follows. */
  #decide(): boolean {
    const version = this.#digits >= 5 ? this.#version : 0
    this.isVersioned = version >= FIRST_MYSQL_ONLY || this.#isForMariaDb
    const isOtherProducts =
      this.isMariaDb && !this.#isForMariaDb && version >= FIRST_MYSQL_ONLY && version <= LAST_MYSQL_ONLY
    this.isExecuted = this.serverVersion === 0 || (version <= this.serverVersion && !isOtherProducts)
    this.isOpen = !this.isExecuted
    this.#within = COMMENT_SKIPPED
    return this.isExecuted
  }
}
