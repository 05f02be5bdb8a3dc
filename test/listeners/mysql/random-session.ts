/**
 * A client that does at random what sessions are made of, and compares what it sees with a model of what it has set. All
 * that it sets carries its number, so that the state of another one would be known. It keeps a ledger of what it has
 * written: what was acknowledged must be there, what was not committed must not, and nothing twice.
 */
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { expect } from 'vitest'
import { row, value } from '../../support/mysql.ts'

export const DATABASES = ['app', 'one', 'two']
/** In each of the databases. */
export const TABLE = 't (id INT PRIMARY KEY AUTO_INCREMENT, c INT)'

/** How often a row that was written is there. */
type Written = 'never' | 'perhaps' | 'once'

/** Numbers that are the same for the same seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const ROWS_OF_EACH = 100_000
const VALUES_OF_EACH = 1000
/** What a server says of a statement that it leaves unfinished, and a proxy of one whose server has gone. */
const LOST = new Set([1053, 1317, 1927])
const CLOSED = /closed|lost|ECONNRESET|EPIPE/i

export class RandomSession {
  readonly ledger = new Map<number, Written>()
  steps = 0
  /** Statements that failed because the server was lost. */
  losses = 0
  readonly #number: number
  readonly #seed: number
  readonly #random: (below: number) => number
  readonly #connect: () => Promise<Connection>
  #client!: Connection
  #database = 'app'
  #timeZone = 'SYSTEM'
  #variable: number | null = null
  #insertId = 0

  /** The number is below 60. */
  constructor(number: number, seed: number, connect: () => Promise<Connection>) {
    this.#number = number
    this.#seed = seed
    this.#random = randomOf(seed + number)
    this.#connect = connect
  }

  async begin(): Promise<void> {
    this.#client = await this.#connect()
    this.#database = 'app'
    this.#forget()
  }

  /** Does something. Where `mayLose`, the server may be lost over it, and then the session is put in order. */
  async step(mayLose = false): Promise<void> {
    const step = STEPS[this.#random(STEPS.length)]!
    try {
      await step.call(this).catch((error: Error) => {
        if (!mayLose) throw error
        return this.#recover(error)
      })
    } catch (cause) {
      throw new Error(`seed ${this.#seed}, client ${this.#number}, step ${this.steps}: ${step.name}`, { cause })
    }
    this.steps++
  }

  async end(): Promise<void> {
    await this.#client.end()
  }

  async useDatabase(): Promise<void> {
    this.#database = DATABASES[this.#random(DATABASES.length)]!
    await this.#client.query(`USE ${this.#database}`)
  }

  async setTimeZone(): Promise<void> {
    // From 4:38 on MariaDB takes some for others: +06:13 for +08:29, whose seconds in bytes differ in case only.
    this.#timeZone = `+0${this.#random(4)}:${String(this.#number).padStart(2, '0')}`
    await this.#client.query('SET time_zone = ?', [this.#timeZone])
  }

  async seeState(): Promise<void> {
    const seen = await row(this.#client, 'SELECT DATABASE() AS d, @@time_zone AS z')
    expect(seen).toMatchObject({ d: this.#database, z: this.#timeZone })
  }

  async insert(): Promise<void> {
    const written = this.#write('perhaps')
    await this.#insert(written)
    this.ledger.set(written, 'once')
  }

  async seeInsertId(): Promise<void> {
    expect(await value(this.#client, 'SELECT LAST_INSERT_ID()')).toBe(this.#insertId)
  }

  async transaction(): Promise<void> {
    await this.#client.beginTransaction()
    const written = this.#write('never')
    await this.#insert(written)
    expect(await value(this.#client, 'SELECT c FROM t WHERE id = ?', [this.#insertId])).toBe(written)
    if (this.#random(2) === 0) {
      this.ledger.set(written, 'perhaps')
      await this.#client.commit()
      this.ledger.set(written, 'once')
    } else await this.#client.rollback()
  }

  async prepareNumber(): Promise<void> {
    const n = this.#random(1000)
    const [rows] = await this.#client.execute('SELECT ? + 1 AS sum', [n])
    expect(rows).toMatchObject([{ sum: n + 1 }])
  }

  async prepareText(): Promise<void> {
    const text = `é${this.#random(100)}`
    const [rows] = await this.#client.execute('SELECT CONCAT(?, ?) AS text', [text, 'b'])
    expect(rows).toMatchObject([{ text: `${text}b` }])
  }

  async seeVariable(): Promise<void> {
    expect(await value(this.#client, 'SELECT @v')).toBe(this.#variable)
  }

  async setVariable(): Promise<void> {
    // Ties the client to its connection: not too many of them, and only until it resets its session.
    if (this.#random(4) > 0) return
    this.#variable = this.#number * VALUES_OF_EACH + this.#random(VALUES_OF_EACH)
    await this.#client.query(`SET @v = ${this.#variable}`)
    expect(await value(this.#client, 'SELECT @v')).toBe(this.#variable)
    await this.#reset()
  }

  async temporaryTable(): Promise<void> {
    if (this.#random(4) > 0) return
    await this.#client.query('CREATE TEMPORARY TABLE mine (a INT)')
    await this.#client.query('INSERT INTO mine VALUES (?)', [this.#number])
    expect(await value(this.#client, 'SELECT a FROM mine')).toBe(this.#number)
    await this.#reset()
  }

  async lock(): Promise<void> {
    if (this.#random(4) > 0) return
    expect(await value(this.#client, 'SELECT GET_LOCK(?, 1)', [`lock ${this.#number}`])).toBe(1)
    await this.#client.query('SELECT RELEASE_ALL_LOCKS()')
  }

  async mistake(): Promise<void> {
    const error = await this.#client.query('NONSENSE').catch((error: { errno?: number }) => error)
    if (!('errno' in error)) throw new Error('nonsense was taken')
    if (error.errno !== 1064) throw error
  }

  async #insert(written: number): Promise<void> {
    const [result] = await this.#client.query<ResultSetHeader>('INSERT INTO t (c) VALUES (?)', [written])
    this.#insertId = result.insertId
  }

  /** A number for a row that nobody else writes. */
  #write(written: Written): number {
    const number = this.#number * ROWS_OF_EACH + this.ledger.size
    this.ledger.set(number, written)
    return number
  }

  async #reset(): Promise<void> {
    await this.#client.reset()
    this.#forget()
  }

  #forget(): void {
    this.#timeZone = 'SYSTEM'
    this.#variable = null
    this.#insertId = 0
  }

  /** It is not known what the statement that was lost has done to the session: nothing of another client's, in any case. */
  async #recover(error: Error & { errno?: number }): Promise<void> {
    if (!LOST.has(error.errno ?? 0) && !isClosed(error)) throw error
    this.losses++
    try {
      const { z, v } = await row(this.#client, 'SELECT @@time_zone AS z, @v AS v')
      if (z !== 'SYSTEM') expect(z.slice(4)).toBe(String(this.#number).padStart(2, '0'))
      if (v !== null) expect(Math.floor(Number(v) / VALUES_OF_EACH)).toBe(this.#number)
      await this.#reset()
      await this.#client.query(`USE ${this.#database}`)
    } catch (error) {
      if (!isClosed(error as Error)) throw error
      await this.begin()
      await this.seeState()
      await this.seeVariable()
    }
  }
}

/** The connection is, not only the statement lost. */
function isClosed(error: Error & { errno?: number }): boolean {
  return !(Number(error.errno) > 0) && CLOSED.test(error.message)
}

const { prototype } = RandomSession
const STEPS = [
  prototype.useDatabase,
  prototype.setTimeZone,
  prototype.seeState,
  prototype.insert,
  prototype.seeInsertId,
  prototype.transaction,
  prototype.prepareNumber,
  prototype.prepareText,
  prototype.seeVariable,
  prototype.setVariable,
  prototype.temporaryTable,
  prototype.lock,
  prototype.mistake,
]
