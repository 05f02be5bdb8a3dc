/**
 * What the text of a statement tells: its kind, flags, parts and normal form, by the rules of the lexers of MySQL and
 * MariaDB. One pass without lookahead, so that a statement may come in pieces of any size; memory is bounded, nothing
 * is allocated and nothing throws. lexer.ts cuts the bytes into tokens, reader.ts makes facts of them. Benchmark:
 * bench/codecs/mysql.ts.
 */

import { Lexer } from './lexer.ts'
import { StatementReader } from './reader.ts'
import type { ScanMode } from './scan-mode.ts'

export class StatementScanner {
  readonly #reader = new StatementReader()
  readonly #lexer = new Lexer(this.#reader)

  /** StatementKind of the first statement; EMPTY when there is none. */
  get kind(): number {
    return this.#reader.kind
  }

  /** Bits of StatementFlag, of all statements together. */
  get flags(): number {
    return this.#reader.flags
  }

  /** Bits of SetForm, of all SETs together. */
  get sets(): number {
    return this.#reader.sets
  }

  /** How many statements the text has; to a mere comment behind a semicolon the server answers too, with an OK. */
  get statements(): number {
    return this.#reader.statements
  }

  /** Whether any replica could answer: false when in doubt. */
  get readOnly(): boolean {
    return this.#reader.readOnly
  }

  /** The number behind KILL; -1 when it is none or an expression. */
  get killId(): number {
    return this.#reader.killId
  }

  /** How many assignments to user variables SETs contain; at most MAX_ASSIGNMENTS are kept. */
  get assignments(): number {
    return this.#reader.assignments.count
  }

  /** Bytes of the text. */
  get length(): number {
    return this.#lexer.length
  }

  /** Kinds of the first MAX_PARTS statements. */
  get kinds(): Readonly<Uint8Array> {
    return this.#reader.kinds
  }

  /** Where they end, from the start of the text, semicolon included. */
  get ends(): Readonly<Float64Array> {
    return this.#reader.ends
  }

  /** Of each assignment: start and end of the variable behind `@`, of the value, and 1 if that is one literal. */
  get assignmentSpans(): Readonly<Float64Array> {
    return this.#reader.assignments.spans
  }

  /** A text is to come. */
  begin(mode: ScanMode): void {
    this.#lexer.begin(mode)
    this.#reader.begin()
  }

  /** The whole text at once. */
  scan(bytes: Uint8Array, start: number, end: number, mode: ScanMode): void {
    this.begin(mode)
    this.write(bytes, start, end)
    this.end()
  }

  /** The next piece of the text. */
  write(bytes: Uint8Array, start: number, end: number): void {
    this.#lexer.write(bytes, start, end)
  }

  /** The text is over: the facts hold. */
  end(): void {
    this.#reader.end(this.#lexer.length, this.#lexer.end())
  }

  /** The normal form, see digest.ts; allocates. */
  digestText(): string {
    return this.#reader.form.toString()
  }

  /** 64 bits of the normal form as 16 hexadecimal digits; allocates. */
  digestHex(): string {
    return this.#reader.form.hex()
  }

  /** 53 bits of the same, as the key of a table. */
  digestKey(): number {
    return this.#reader.form.key()
  }
}
