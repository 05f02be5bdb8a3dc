/** What becomes of each command on a listener, looked up by its id for each request. */
import { argumentSpans, CommandFlag, type CommandTable } from '../../codecs/redis/index.ts'
import type { Frame, Handler } from './command-handler.ts'
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

/** What a request counts as: the id of the command plus one, of its subcommand where it has one; 0 for unknown commands. */
export function operationOf(table: CommandTable, { command, argc, bytes, start, end }: Frame): number {
  if (command < 0 || argc < 2 || (table.flags[command]! & CommandFlag.CONTAINER) === 0) return command + 1
  const spans = argumentSpans(bytes, start, end)
  if (spans.length < 4) return command + 1
  const subcommand = table.lookupSubcommand(command, bytes, spans[2]!, spans[3]!)
  return (subcommand < 0 ? command : subcommand) + 1
}
