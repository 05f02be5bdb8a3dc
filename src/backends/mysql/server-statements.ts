/**
 * The statements prepared on one upstream connection, whoever asked for them: a client's statement is found here by its
 * text and the state it was prepared in, or prepared again. What was not used for long is closed to keep below the bound,
 * so that preparing and closing over and over costs the backend nothing.
 */
export interface ServerStatement {
  readonly key: string
  /** The server's number for it on this connection. */
  readonly id: number
  readonly parameters: number
  /** The server's answer to COM_STMT_PREPARE, to be given again; null when it was not kept. */
  readonly answer: Buffer | null
  /** Parameter types as last bound here; null when none were. */
  types: Buffer | null
  /** Was executed with a cursor, or was sent data in pieces, last. */
  held: boolean
  /** DDL seen since may have changed what the answer tells. */
  readonly epoch: number
  // Of the table:
  /** Where it is known; null before and after. */
  table: ServerStatements | null
  /** Since room was last looked for. */
  wasUsed: boolean
}

export class ServerStatements {
  readonly #max: number
  /** Room is looked for from the first on; what was used meanwhile gets a second chance behind the last. */
  readonly #byKey = new Map<string, ServerStatement>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#byKey.size
  }

  /** `last`: where the same key was found before. On the same connection again, as is usual, it is found without a look-up. */
  get(key: string, last: ServerStatement | null = null): ServerStatement | undefined {
    const found = last !== null && last.table === this ? last : this.#byKey.get(key)
    if (found) found.wasUsed = true
    return found
  }

  /** Adds one; returns those to be closed for it. Cursors and data may be in use: then not those that have them. */
  add(statement: ServerStatement, inUse: boolean): ServerStatement[] {
    const closed: ServerStatement[] = []
    const before = this.#byKey.get(statement.key)
    if (before) {
      this.delete(before)
      closed.push(before)
    }
    statement.table = this
    this.#byKey.set(statement.key, statement)
    const spare = this.#byKey.size > this.#max ? this.#spare(statement, inUse) : null
    if (spare) {
      this.delete(spare)
      closed.push(spare)
    }
    return closed
  }

  /** One that makes room for the newest. */
  #spare(newest: ServerStatement, inUse: boolean): ServerStatement | null {
    // Twice round at most: those that come again have lost their second chance.
    let looks = 2 * this.#byKey.size
    for (const each of this.#byKey.values()) {
      if (looks-- === 0) break
      if (each !== newest && !each.wasUsed && !(inUse && each.held)) return each
      each.wasUsed = false
      this.#byKey.delete(each.key)
      this.#byKey.set(each.key, each)
    }
    return null
  }

  /** Takes out all, but for those in use: they are to be closed, and can be prepared again. */
  takeAll(inUse: boolean): ServerStatement[] {
    const closed = [...this.#byKey.values()].filter(({ held }) => !(inUse && held))
    for (const each of closed) this.delete(each)
    return closed
  }

  delete(statement: ServerStatement): void {
    if (statement.table !== this) return
    statement.table = null
    this.#byKey.delete(statement.key)
  }

  /** The server has forgotten them all. */
  clear(): void {
    for (const each of this.#byKey.values()) each.table = null
    this.#byKey.clear()
  }
}
