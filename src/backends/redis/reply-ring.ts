/**
 * Who waits for which replies, in order: a ring of (sink, count) instead of an object per request, and a ring of
 * operations for the statistics. An entry of count 0 is a reply of our own that waits for its turn.
 */
import type { ReplySink } from './reply-sink.ts'

export class ReplyRing {
  #sinks: (ReplySink | null)[] = new Array(64).fill(null)
  #counts = new Int32Array(64)
  #times = new Float64Array(64)
  #mask = 63
  #head = 0
  #tail = 0
  #operations = new Uint16Array(256)
  #operationMask = 255
  #operationHead = 0
  #operationTail = 0
  readonly #locals: Buffer[] = []

  /** Requests waiting for replies. */
  get pending(): number {
    return this.#operationTail - this.#operationHead
  }

  /** Requests that were ever waited for. */
  get sent(): number {
    return this.#operationTail
  }

  get empty(): boolean {
    return this.#head === this.#tail
  }

  /** Adds `count` requests of a sink, whose operations stand in `operations` from 0 on. */
  push(sink: ReplySink, count: number, operations: Uint16Array, now: number): void {
    if (this.#tail - this.#head > this.#mask) this.#growEntries()
    const slot = this.#tail++ & this.#mask
    this.#sinks[slot] = sink
    this.#counts[slot] = count
    this.#times[slot] = now
    while (this.#operationTail - this.#operationHead + count > this.#operationMask) this.#growOperations()
    const mask = this.#operationMask
    let tail = this.#operationTail
    for (let i = 0; i < count; i++) this.#operations[tail++ & mask] = operations[i]!
    this.#operationTail = tail
  }

  /** Adds a reply of our own. */
  pushLocal(sink: ReplySink, reply: Buffer): void {
    if (this.#tail - this.#head > this.#mask) this.#growEntries()
    const slot = this.#tail++ & this.#mask
    this.#sinks[slot] = sink
    this.#counts[slot] = 0
    this.#times[slot] = 0
    this.#locals.push(reply)
  }

  get sink(): ReplySink {
    return this.#sinks[this.#head & this.#mask]!
  }

  /** Replies that the entry at the head still waits for. */
  get count(): number {
    return this.#counts[this.#head & this.#mask]!
  }

  get time(): number {
    return this.#times[this.#head & this.#mask]!
  }

  /** Takes one request off the entry at the head and returns its operation; the entry stays, even at 0. */
  takeOne(): number {
    this.#counts[this.#head & this.#mask]!--
    return this.#operations[this.#operationHead++ & this.#operationMask]!
  }

  /** The operation of a request that waits, counted from the head. */
  operationAt(index: number): number {
    return this.#operations[(this.#operationHead + index) & this.#operationMask]!
  }

  takeLocal(): Buffer {
    return this.#locals.shift()!
  }

  /** Drops the entry at the head. */
  next(): void {
    this.#sinks[this.#head++ & this.#mask] = null
  }

  /**
   * Gives what was sent before a time and is not answered yet to another sink, in order; calls back for each entry with
   * its count, or with the reply of our own that it held, which now may leave.
   */
  expire(
    before: number,
    to: ReplySink,
    expired: (sink: ReplySink, count: number, local: Buffer | null, at: number) => void,
  ): void {
    let locals = 0
    let operation = 0
    for (let i = this.#head; i < this.#tail; i++) {
      const slot = i & this.#mask
      const count = this.#counts[slot]!
      if (count > 0 && this.#times[slot]! > before) return
      const local = count > 0 ? null : this.#locals[locals++]!
      const sink = this.#sinks[slot]!
      operation += count
      if (sink === to) continue
      this.#sinks[slot] = to
      expired(sink, count, local, operation - count)
    }
  }

  #growEntries(): void {
    const size = (this.#mask + 1) * 2
    const sinks = new Array<ReplySink | null>(size).fill(null)
    const counts = new Int32Array(size)
    const times = new Float64Array(size)
    for (let i = this.#head; i < this.#tail; i++) {
      sinks[i & (size - 1)] = this.#sinks[i & this.#mask]!
      counts[i & (size - 1)] = this.#counts[i & this.#mask]!
      times[i & (size - 1)] = this.#times[i & this.#mask]!
    }
    this.#sinks = sinks
    this.#counts = counts
    this.#times = times
    this.#mask = size - 1
  }

  #growOperations(): void {
    const size = (this.#operationMask + 1) * 2
    const grown = new Uint16Array(size)
    for (let i = this.#operationHead; i < this.#operationTail; i++)
      grown[i & (size - 1)] = this.#operations[i & this.#operationMask]!
    this.#operations = grown
    this.#operationMask = size - 1
  }
}
