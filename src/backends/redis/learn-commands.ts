/** Asks a backend for its commands, so that new ones and those of modules are known without a release of ours. */
import type { CommandTable } from '../../../codecs/redis/index.ts'
import { ControlConnection, type ControlTarget } from './control.ts'

/** Merges the backend's COMMAND into the table. Rejects when it cannot be asked; many managed services refuse COMMAND. */
export async function learnCommands(target: ControlTarget, table: CommandTable): Promise<readonly string[]> {
  const connection = await ControlConnection.open(target)
  try {
    await connection.authenticate(target)
    const reply = await connection.ask(['COMMAND'])
    return Array.isArray(reply) ? table.merge(reply) : []
  } finally {
    connection.close()
  }
}
