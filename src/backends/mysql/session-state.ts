/**
 * What a session has made of its connection, as far as it can be made again on another one: the schema and the system
 * variables that differ from a fresh connection's. Both a client and an upstream connection have one; a client is served
 * by a connection whose state is equal, or is made equal by statements of ours.
 */
import { nameAt, SET_LAST } from './variables.ts'

/** A fresh connection's values by variable, as the server tells them. */
export type Baseline = ReadonlyMap<string, string>

/** New values by variable. */
export type Changes = ReadonlyMap<string, string | undefined>

export class SessionState {
  /** Null while none was chosen. */
  #schema: string | null = null
  readonly #variables = new Map<string, string>()
  #key = ''

  /** Equal keys mean equal states; empty for a fresh connection without a schema. */
  get key(): string {
    return this.#key
  }

  get schema(): string | null {
    return this.#schema
  }

  set schema(schema: string | null) {
    if (schema === this.#schema) return
    this.#schema = schema
    this.#rekey()
  }

  get(variable: string): string | undefined {
    return this.#variables.get(variable)
  }

  /** Notes a value that the server has reported. */
  set(variable: string, value: string, baseline: Baseline): void {
    if (this.#variables.get(variable) === value) return
    if (baseline.get(variable) === value) this.#variables.delete(variable)
    else this.#variables.set(variable, value)
    this.#rekey()
  }

  /** Becomes what the other one is. */
  copy(other: SessionState): void {
    if (this.#key === other.#key) return
    this.#schema = other.#schema
    this.#variables.clear()
    for (const [name, value] of other.#variables) this.#variables.set(name, value)
    this.#key = other.#key
  }

  /** All variables as on a fresh connection; the schema stays, as COM_RESET_CONNECTION leaves it. */
  reset(): void {
    this.#variables.clear()
    this.#rekey()
  }

  /** This state at a server with these variables: under its names, and without what it does not have. */
  at(baseline: Baseline): SessionState {
    let isSame = true
    for (const name of this.#variables.keys()) if (!baseline.has(name)) isSame = false
    if (isSame) return this
    const there = new SessionState()
    there.#schema = this.#schema
    for (const [name, value] of this.#variables) {
      const nameThere = nameAt(baseline, name)
      if (nameThere !== undefined) there.#variables.set(nameThere, value)
    }
    there.#rekey()
    return there
  }

  /** What makes a connection in this state one in the target's, schema apart: undefined stands for DEFAULT. */
  changesTo(target: SessionState, baseline: Baseline): Changes {
    const changes = new Map<string, string | undefined>()
    for (const name of this.#variables.keys()) {
      if (!target.#variables.has(name)) changes.set(name, baseline.get(name))
    }
    for (const [name, value] of target.#variables) if (this.#variables.get(name) !== value) changes.set(name, value)
    // A change of the character set changes the collation as well.
    if (changes.has('character_set_connection') && !changes.has('collation_connection')) {
      const collation = target.#variables.get('collation_connection') ?? baseline.get('collation_connection')
      if (collation !== undefined) changes.set('collation_connection', collation)
    }
    return changes
  }

  #rekey(): void {
    const { size } = this.#variables
    const variables = [...this.#variables].sort(byName).map(([name, value]) => `${name}=${value}`)
    this.#key =
      this.#schema === null && size === 0
        ? ''
        : [this.#schema === null ? '' : `.${this.#schema}`, ...variables].join('\0')
  }
}

/** `SET SESSION a = 1, SESSION b = 'x'`. */
export function setStatement(changes: Changes): string {
  const names = namesInOrder(changes)
  return `SET ${names.map(name => `SESSION ${name}=${literal(name, changes.get(name))}`).join(',')}`
}

/** In the order in which they have to be set. */
export function namesInOrder(changes: Changes): string[] {
  return [...changes.keys()].sort((a, b) => SET_LAST.indexOf(a) - SET_LAST.indexOf(b))
}

/** Values come from the server's own reports: numbers, ON and OFF, names of modes and of character sets. */
function literal(name: string, value: string | undefined): string {
  if (value === undefined) return 'DEFAULT'
  if (/^-?\d+(\.\d+)?$/.test(value)) return value
  // An unset character set of results is reported as nothing.
  if (value === '' && name.startsWith('character_set')) return 'NULL'
  // A backslash means something else under NO_BACKSLASH_ESCAPES; bytes in hexadecimal mean the same under any mode.
  if (value.includes('\\')) return `_utf8mb4 x'${Buffer.from(value).toString('hex')}'`
  return `'${value.replaceAll("'", "''")}'`
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}
