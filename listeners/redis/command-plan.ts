/** What becomes of each command on a listener, looked up by its id for each request. */
import { CommandFlag, type CommandTable } from '../../codecs/redis/index.ts'
import type { Handler } from './command-handler.ts'
import { BLOCKING, HANDLERS } from './commands/index.ts'
import { deniedCommands } from './policy.ts'

export interface CommandPlan {
  /** Of the table that it was made from. */
  readonly revision: number
  /** As in policy.ts. */
  readonly denied: Uint8Array
  readonly handlers: readonly (Handler | undefined)[]
  /** 0 for what any connection can serve; the last entry is for unknown commands. */
  readonly specials: Uint8Array
}

/** Throws RangeError for a rule that names nothing. */
export function planCommands(table: CommandTable, deny: readonly string[]): CommandPlan {
  const denied = deniedCommands(table, deny)
  const handlers: (Handler | undefined)[] = []
  const specials = new Uint8Array(table.names.length + 1)
  for (const [id, name] of table.names.entries()) {
    if (table.parent[id] !== -1) continue
    const blocks = (table.flags[id]! & CommandFlag.BLOCKING) !== 0
    handlers[id] = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : blocks ? BLOCKING : undefined
    // Containers are looked at for the sake of their subcommands' names.
    const container = (table.flags[id]! & CommandFlag.CONTAINER) !== 0
    if (handlers[id] || denied[id] !== 0 || container) specials[id] = 1
  }
  return { revision: table.revision, denied, handlers, specials }
}
