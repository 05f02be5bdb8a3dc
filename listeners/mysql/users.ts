/** Who may connect: users with their passwords in the clear, as every proof of a client needs them, and what each may do. */
import { readSecret } from '../../src/config/index.ts'
import type { CertificateRule } from './certificate-rule.ts'
import type { MysqlListenerOptions } from './options.ts'

export interface User {
  readonly name: string
  readonly password: string
  /** Databases that may be chosen; null for any. */
  readonly databases: ReadonlySet<string> | null
  readonly readOnly: boolean
  /** What certificate the client must show besides; null for none. */
  readonly certificate: CertificateRule | null
}

export class Users {
  readonly #users: ReadonlyMap<string, User>

  private constructor(users: ReadonlyMap<string, User>) {
    this.#users = users
  }

  /** Reads the passwords. Rejects when one cannot be read. */
  static async load(options: MysqlListenerOptions): Promise<Users> {
    const users = await Promise.all(
      options.users.map(async ({ name, password, databases, readOnly, certificate = null }) => ({
        name,
        password: password === undefined ? '' : await readSecret(password),
        databases: databases ? new Set(databases) : null,
        readOnly,
        certificate,
      })),
    )
    return new Users(new Map(users.map(user => [user.name, user])))
  }

  /** True when anybody may connect. */
  get trusting(): boolean {
    return this.#users.size === 0
  }

  get(name: string): User | undefined {
    return this.#users.get(name)
  }
}
