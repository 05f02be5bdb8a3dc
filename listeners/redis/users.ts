/** Who may connect: users with passwords, compared in constant time, and what each may do. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AccessRules, type CommandTable } from '../../codecs/redis/index.ts'
import { readSecret } from '../../src/config/index.ts'
import type { RedisListenerOptions } from './options.ts'

interface User {
  readonly name: string
  readonly digest: Buffer
  readonly rules: AccessRules | null
}

export class Users {
  readonly #users: readonly User[]

  private constructor(users: readonly User[]) {
    this.#users = users
  }

  /** Reads the passwords. Rejects when one cannot be read or a rule makes no sense. */
  static async load(options: RedisListenerOptions, table: CommandTable): Promise<Users> {
    return new Users(
      await Promise.all(
        options.users.map(async ({ name, password, rules }) => ({
          name,
          digest: digest(Buffer.from(await readSecret(password))),
          rules: rules === undefined ? null : new AccessRules(rules, table),
        })),
      ),
    )
  }

  get any(): boolean {
    return this.#users.length > 0
  }

  has(name: string): boolean {
    return this.#users.length === 0 ? name === 'default' : this.#users.some(user => user.name === name)
  }

  /** The user if the password is right. An unknown user takes the same path and time as a wrong password. */
  authenticate(name: string, password: Buffer): User | undefined {
    const given = digest(password)
    const user = this.#users.find(candidate => candidate.name === name)
    const equal = timingSafeEqual(given, user?.digest ?? NO_DIGEST)
    return equal ? user : undefined
  }
}

const NO_DIGEST = Buffer.alloc(32)

function digest(password: Buffer): Buffer {
  return createHash('sha256').update(password).digest()
}
