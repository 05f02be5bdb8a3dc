/** Commands that a listener refuses, by name or category. */
import { type CommandTable, categoryFlag } from '../../codecs/redis/index.ts'

/** By command id: 0 allowed, 1 denied, 2 some of its subcommands are. Throws RangeError for a rule that names nothing. */
export function deniedCommands(table: CommandTable, rules: readonly string[]): Uint8Array {
  const denied = new Uint8Array(table.names.length)
  for (const rule of rules) {
    const category = rule.startsWith('@') ? categoryFlag(rule) : 0
    if (rule.startsWith('@') && category === 0) throw new RangeError(`deny: there is no command category ${rule}`)
    const only = category === 0 ? table.idOf(rule) : -1
    if (category === 0 && only < 0) throw new RangeError(`deny: there is no command ${rule}`)
    for (const id of table.names.keys()) {
      if (only >= 0 ? id !== only : (table.categories[id]! & category) === 0) continue
      denied[id] = 1
      const parent = table.parent[id]!
      if (parent >= 0 && denied[parent] === 0) denied[parent] = 2
    }
  }
  return denied
}
