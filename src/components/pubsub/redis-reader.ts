/** How a subscription gets at the entries of a stream: as one of a group, or by itself. */
import type { ExclusiveConnection } from '../clients/redis/index.ts'
import type { Entry } from './redis-entries.ts'

/** How long the server holds a reading that finds nothing. */
export const BLOCK_MS = 1_000
/** How long it may take to answer, beyond that. */
export const ANSWER_MS = 5_000
/** Entries that are asked for in one step: all of them come in one reply. */
export const MOST_AT_ONCE = 32

export interface StreamReader {
  /** Called at the beginning and after each outage: nothing that was read before is ours any more. Resolves when new entries will be read. */
  begin(): Promise<void>
  /** New entries, waited for a while. */
  read(connection: ExclusiveConnection, count: number): Promise<readonly Entry[]>
  /** Entries that others have left unsettled. */
  claim(count: number): Promise<readonly Entry[]>
  acknowledge(id: string): Promise<unknown>
  /** An entry once more; undefined when it is gone, or somebody else's. */
  again(id: string): Promise<Entry | undefined>
  /** Says that these are still being worked on. Those are returned that are somebody else's by now. */
  keep(ids: readonly string[]): Promise<readonly string[]>
  /** Leaves to others what is unsettled. */
  leave(): Promise<void>
}
