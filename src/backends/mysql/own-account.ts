/** Portolan's own account at a backend: that of `credentials`, or the one that it makes itself at an embedded server. */
import { LiveSecret } from '../../config/index.ts'
import type { Runtime } from '../../protocol.ts'
import { embeddedCredentials } from './embedded.ts'
import type { MysqlBackendOptions } from './options.ts'

export class OwnAccount {
  readonly username: string
  readonly #secret: LiveSecret | undefined
  readonly #fixed: string

  /** Null where clients log in with what they have themselves. */
  static of(options: MysqlBackendOptions, runtime: Pick<Runtime, 'logger' | 'clock'>): OwnAccount | null {
    const { credentials, embedded } = options
    if (embedded) return new OwnAccount(embeddedCredentials.username, undefined, embeddedCredentials.password)
    if (!credentials) return null
    const { username, password } = credentials
    const secret = password && new LiveSecret(password, { name: 'the password of the backend', ...runtime })
    return new OwnAccount(username, secret, '')
  }

  private constructor(username: string, secret: LiveSecret | undefined, fixed: string) {
    this.username = username
    this.#secret = secret
    this.#fixed = fixed
  }

  /** As of now. Rejects if it could never be read. */
  password(): Promise<string> {
    return this.#secret?.read() ?? Promise.resolve(this.#fixed)
  }

  /** The server has refused it: it is read anew for the next login. */
  expire(): void {
    this.#secret?.expire()
  }

  /** Reads it anew. Never rejects. */
  async refresh(): Promise<void> {
    await this.#secret?.refresh()
  }

  close(): void {
    this.#secret?.close()
  }
}
