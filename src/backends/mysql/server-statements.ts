/**
 * The statements prepared on one upstream connection, whoever asked for them: a client's statement is found here by its
 * text and the state it was prepared in, or prepared again. What was used longest ago is closed to keep below the bound,
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
}

export class ServerStatements {
  readonly #max: number
  /** In order of use, the latest at the end. */
  readonly #byKey = new Map<string, ServerStatement>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): ServerStatement | undefined {
    const found = this.#byKey.get(key)
    if (found) {
      this.#byKey.delete(key)
      this.#byKey.set(key, found)
    }
    return found
  }

  /** Adds one; returns those to be closed for it. Cursors and data may be in use: then not those that have them. */
  add(statement: ServerStatement, inUse: boolean): ServerStatement[] {
    const closed: ServerStatement[] = []
    const before = this.#byKey.get(statement.key)
    if (before) {
      this.#byKey.delete(before.key)
      closed.push(before)
    }
    this.#byKey.set(statement.key, statement)
    if (this.#byKey.size > this.#max) {
      for (const each of this.#byKey.values()) {
        if (each === statement || (inUse && each.held)) continue
        this.#byKey.delete(each.key)
        closed.push(each)
        break
      }
    }
    return closed
  }

  /** Takes out all, but for those in use: they are to be closed, and can be prepared again. */
  takeAll(inUse: boolean): ServerStatement[] {
    const closed = [...this.#byKey.values()].filter(({ held }) => !(inUse && held))
    for (const { key } of closed) this.#byKey.delete(key)
    return closed
  }

  delete(statement: ServerStatement): void {
    if (this.#byKey.get(statement.key) === statement) this.#byKey.delete(statement.key)
  }

  /** The server has forgotten them all. */
  clear(): void {
    this.#byKey.clear()
  }
}
