/** Who may connect: users with passwords, which may change, compared in constant time, and what each may do. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AccessRules, type CommandTable } from '../../codecs/redis/index.ts'
import { LiveSecret } from '../../src/config/index.ts'
import type { Runtime } from '../../src/protocol.ts'
import type { ClientFacts } from './client-facts.ts'
import type { RedisListenerOptions } from './options.ts'

interface User {
  readonly name: string
  readonly password: LiveSecret
  /** Of the password. */
  digest: Buffer
  readonly rules: AccessRules | null
}

export class Users {
  /** Nobody needs a password. */
  static readonly none = new Users([])

  readonly #users: readonly User[]

  private constructor(users: readonly User[]) {
    this.#users = users
  }

  /** Reads the passwords. Rejects when one cannot be read or a rule makes no sense. */
  static async load(options: RedisListenerOptions, table: CommandTable, runtime: Runtime): Promise<Users> {
    const users = options.users.map(({ name, password, rules }): User => {
      const onChange = (value: string) => void (user.digest = digest(Buffer.from(value)))
      const user: User = {
        name,
        password: new LiveSecret(password, { ...runtime, name: `the password of user ${name}`, onChange }),
        digest: NO_DIGEST,
        rules: rules === undefined ? null : new AccessRules(rules, table),
      }
      return user
    })
    const loaded = new Users(users)
    try {
      for (const user of users) user.digest = digest(Buffer.from(await user.password.read()))
      return loaded
    } catch (error) {
      loaded.close()
      throw error
    }
  }

  async reread(): Promise<void> {
    await Promise.all(this.#users.map(user => user.password.refresh()))
  }

  close(): void {
    for (const user of this.#users) user.password.close()
  }

  get any(): boolean {
    return this.#users.length > 0
  }

  has(name: string): boolean {
    return this.#users.length === 0 ? name === 'default' : this.#users.some(user => user.name === name)
  }

  /** Whether that is the user's password. An unknown user takes the same path and time as a wrong password. */
  verifies(name: string, password: Buffer): boolean {
    const given = digest(password)
    const user = this.#users.find(candidate => candidate.name === name)
    return timingSafeEqual(given, user?.digest ?? NO_DIGEST)
  }

  /** Lets a client be that user if the password is right. */
  signIn(facts: ClientFacts, name: string, password: Buffer): boolean {
    if (!this.verifies(name, password)) return false
    facts.authenticated = true
    facts.user = name
    facts.rules = this.#users.find(user => user.name === name)!.rules
    return true
  }

  /** Back to what a new connection has. */
  signOut(facts: ClientFacts): void {
    facts.user = 'default'
    facts.rules = null
    facts.authenticated = !this.any
  }
}

const NO_DIGEST = Buffer.alloc(32)

function digest(password: Buffer): Buffer {
  return createHash('sha256').update(password).digest()
}
