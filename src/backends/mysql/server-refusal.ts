/** A server's no to what we asked for on a client's behalf: a login, a database, a variable. */
import { ProxyError } from '../../errors.ts'

/** The server has said no, in its own words. */
export class ServerRefusal extends ProxyError {
  readonly serverCode: number
  readonly sqlState: string
  readonly words: string

  constructor(code: number, sqlState: string, words: string) {
    super('upstream-login', `the backend refuses: ${words} (${code})`, { source: 'upstream', retryable: true })
    this.serverCode = code
    this.sqlState = sqlState
    this.words = words
  }
}
