/** A client's prepared statements, under numbers of ours: the server's differ from connection to connection. */
import { LAST_PREPARED_STATEMENT } from '../../codecs/mysql/index.ts'
import type { ServerStatement } from '../../src/backends/mysql/index.ts'
import type { StatementFacts } from './pinning.ts'

export interface ClientStatement {
  readonly id: number
  /** What the client sent to prepare it, command byte included. */
  readonly request: Buffer
  /** Text and state that it was prepared in: finds its like on a connection. */
  readonly key: string
  readonly parameters: number
  /** Types of the parameters as the client sent them last; null before. */
  types: Buffer | null
  /** Data sent in pieces that no execution has used yet. */
  hasLongData: boolean
  /** Such data went into the last execution. */
  usedLongData: boolean
  /** An open cursor. */
  hasCursor: boolean
  /** Of its text. */
  readonly facts: StatementFacts
  /** Where it was executed last. */
  server: ServerStatement | null
  /** Where the execution at hand, or its beginning, lacks the types of its parameters; 0 when it does not. */
  unboundAt: number
}

/** What is known of one when it has been prepared. */
type Prepared = Pick<ClientStatement, 'request' | 'key' | 'parameters' | 'facts'>

export class ClientStatements {
  readonly #byId = new Map<number, ClientStatement>()
  #lastId = 0
  #lastPrepared = 0

  get size(): number {
    return this.#byId.size
  }

  /** The number that the next one gets. */
  get nextId(): number {
    return this.#lastId + 1
  }

  add({ request, key, parameters, facts }: Prepared): ClientStatement {
    const added = {
      id: ++this.#lastId,
      request,
      key,
      parameters,
      types: null,
      hasLongData: false,
      usedLongData: false,
      hasCursor: false,
      facts,
      server: null,
      unboundAt: 0,
    }
    this.#byId.set(added.id, added)
    this.#lastPrepared = added.id
    return added
  }

  /** The one with that number, or with MariaDB's for the one prepared last. */
  get(id: number): ClientStatement | undefined {
    return this.#byId.get(id === LAST_PREPARED_STATEMENT ? this.#lastPrepared : id)
  }

  /** The last preparation has failed: what MariaDB calls the last one is none. */
  forgetLast(): void {
    this.#lastPrepared = 0
  }

  delete(id: number): void {
    this.#byId.delete(id)
  }

  clear(): void {
    this.#byId.clear()
  }

  *[Symbol.iterator](): Iterator<ClientStatement> {
    yield* this.#byId.values()
  }
}
