/** A server's no to what we asked for on a client's behalf: a login, a database, a variable. */
import type { ErrorPacket } from '../../../codecs/mysql/index.ts'
import { ProxyError } from '../../errors.ts'

/** Access denied, also for want of a password. */
const OF_ACCOUNT: ReadonlySet<number> = new Set([1045, 1698])

/** Whether a secret that was read anew might make a difference to an error of the server's. */
export const refusesAccount = (code: number | undefined): boolean => code !== undefined && OF_ACCOUNT.has(code)

/** `--read-only` and its kin; the same number has other options too, which the text tells. */
const OPTION_PREVENTS = 1290
/** innodb_read_only, and clouds. */
const READ_ONLY_MODE = 1836

/** The server as a whole refuses to write. */
export function isReadOnlyRefusal({ code, message }: Pick<ErrorPacket, 'code' | 'message'>): boolean {
  return code === READ_ONLY_MODE || (code === OPTION_PREVENTS && /read[-_]only/i.test(message))
}

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

  /** The same for a client that has not given the name and password which the server refuses. */
  ofOwnAccount(): ServerRefusal {
    const { serverCode, sqlState, words } = this
    return new ServerRefusal(
      serverCode,
      sqlState,
      `${words}; that is Portolan's account at the backend, not the client's`,
    )
  }
}
