/** Asks a backend for its commands, so that new ones and those of modules are known without a release of ours. */
import type { CommandTable } from '../../../codecs/redis/index.ts'
import { ControlConnection, ControlError, type ControlTarget } from './control.ts'

/**
 * Adds the commands that the table does not know. Since Redis 7 their names come first and facts are asked for those
 * only: the whole COMMAND reply would cost more memory than all of the table. Rejects when the backend cannot be asked;
 * many managed services refuse COMMAND.
 */
export async function learnCommands(target: ControlTarget, table: CommandTable): Promise<readonly string[]> {
  const connection = await ControlConnection.open(target)
  try {
    await connection.authenticate(target)
    const names = await connection.ask(['COMMAND', 'LIST']).catch(error => {
      if (error instanceof ControlError) return undefined
      throw error
    })
    const unknown = list(names)
      .map(String)
      .filter(name => table.idOf(name) < 0)
    if (names !== undefined && unknown.length === 0) return []
    return table.merge(list(await connection.ask(names === undefined ? ['COMMAND'] : ['COMMAND', 'INFO', ...unknown])))
  } finally {
    connection.close()
  }
}

const list = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : [])
