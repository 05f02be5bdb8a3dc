/**
 * How the statements of a client are to be read: by its SQL mode, its character set and the server's product. Made anew
 * only when one of them changes.
 */
import {
  charsetOfCollation,
  type Greeting,
  isMariaDb,
  leadBytesOf,
  type ScanMode,
  SERVER_STATUS_NO_BACKSLASH_ESCAPES,
} from '../../codecs/mysql/index.ts'
import type { Identity, SessionState } from '../../src/backends/mysql/index.ts'

export class SessionScanMode {
  #mode: ScanMode | null = null
  #key = ''
  #identity: Identity | null = null
  #greeting: Greeting | null = null
  #escapes = 0

  of(state: SessionState, identity: Identity, status: number, greeting: Greeting | null): ScanMode {
    const escapes = status & SERVER_STATUS_NO_BACKSLASH_ESCAPES
    const isSame =
      this.#key === state.key &&
      this.#escapes === escapes &&
      this.#identity === identity &&
      this.#greeting === greeting &&
      this.#mode !== null
    if (isSame) return this.#mode!
    this.#key = state.key
    this.#escapes = escapes
    this.#identity = identity
    this.#greeting = greeting
    // A session's state tells only what differs from the login's.
    const charset = state.get('character_set_client') ?? charsetOfCollation(identity.collation)
    this.#mode = {
      ansiQuotes: (state.get('sql_mode') ?? '').includes('ANSI_QUOTES'),
      noBackslashEscapes: escapes !== 0,
      isMariaDb: isMariaDb(greeting),
      serverVersion: 0,
      leadBytes: leadBytesOf(charset),
    }
    return this.#mode
  }
}
