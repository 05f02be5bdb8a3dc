/** What a user may do, compiled from ACL rules; asked for each of the user's requests. */
import type { CommandTable } from '../../codecs/redis/index.ts'

export interface AccessRules {
  /** The error reply to a request that the user may not make; undefined for any other. */
  check(user: string, args: readonly Buffer[]): Buffer | undefined
}

export function compileRules(_rules: readonly string[], _table: CommandTable): AccessRules {
  throw new RangeError('not yet')
}
