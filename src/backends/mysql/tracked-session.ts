/** What a server tells of a session in its OK packets: kept per connection, as it tells only what changes. */
import type { SessionTrackerSink } from '../../../codecs/mysql/index.ts'
import type { Baseline, SessionState } from './session-state.ts'

const NO_TRANSACTION = '________'
/** MariaDB tells a GTID as a variable, which nobody has set. */
const MARIADB_GTID = 'last_gtid'

export class TrackedSession implements SessionTrackerSink {
  /** Of what was written last, as told in the last response; empty for none. */
  gtid = ''
  readonly #state: SessionState
  readonly #baseline: Baseline
  #tablesLocked = false
  #inTransaction = false
  #characteristics = ''
  #changed = false
  #named = false
  #charset = false
  #collation = false
  #collationUnknown = false

  constructor(state: SessionState, baseline: Baseline) {
    this.#state = state
    this.#baseline = baseline
  }

  get tablesLocked(): boolean {
    return this.#tablesLocked
  }

  get inTransaction(): boolean {
    return this.#inTransaction
  }

  /** The next transaction will be of a kind that was asked for. */
  get transactionChosen(): boolean {
    return this.#characteristics !== ''
  }

  /** In the last response, something changed that was not said. */
  get changedUnnamed(): boolean {
    return this.#changed && !this.#named
  }

  /** The character set of the connection has changed, and with it the collation, of which servers tell nothing. */
  get collationUnknown(): boolean {
    return !this.#collation && (this.#charset || this.#collationUnknown)
  }

  /** A response begins. */
  begin(): void {
    this.gtid = ''
    this.#collationUnknown = this.collationUnknown
    this.#changed = false
    this.#named = false
    this.#charset = false
    this.#collation = false
  }

  reset(): void {
    this.begin()
    this.#collationUnknown = false
    this.onTransactionState(NO_TRANSACTION)
    this.#characteristics = ''
  }

  /** The collation has been asked for, and the state has it. */
  onCollation(): void {
    this.#collation = true
  }

  onVariable(name: string, value: string | null): void {
    if (name === MARIADB_GTID) {
      this.gtid = value ?? ''
      return
    }
    this.#named = true
    if (name === 'character_set_connection') this.#charset = true
    if (name === 'collation_connection') this.#collation = true
    this.#state.set(name.toLowerCase(), value ?? '', this.#baseline)
  }

  onSchema(name: string): void {
    this.#named = true
    this.#state.schema = name === '' ? null : name
  }

  onStateChange(): void {
    this.#changed = true
  }

  onGtids(gtids: string): void {
    this.gtid = gtids
  }

  onTransactionCharacteristics(statements: string): void {
    this.#characteristics = statements
  }

  onTransactionState(state: string): void {
    this.#tablesLocked = state.endsWith('L')
    this.#inTransaction = state !== NO_TRANSACTION && !this.#tablesLocked
  }
}
