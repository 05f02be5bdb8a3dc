/** Commands that a listener refuses, by name or category. */
import type { CommandTable } from '../../codecs/redis/index.ts'

/** By command id: 0 allowed, 1 denied, 2 some of its subcommands are. The words have been checked. */
export function deniedCommands(table: CommandTable, words: readonly string[]): Uint8Array {
  const denied = new Uint8Array(table.names.length)
  for (const word of words) {
    for (const id of word.startsWith('@') ? table.inCategory(word) : [table.idOf(word)]) {
      denied[id] = 1
      const parent = table.parent[id]!
      if (parent >= 0 && denied[parent] === 0) denied[parent] = 2
    }
  }
  return denied
}
