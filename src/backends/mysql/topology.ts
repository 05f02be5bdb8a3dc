/** How the endpoints of a backend belong together: which of them a connection may lead to. */
import type { Member } from './member.ts'

/** What a connection is for: anything, or reading only, which a replica can do. */
export type Purpose = 'write' | 'read'

export interface Topology {
  readonly members: readonly Member[]
  /** Where a connection may be opened now, in the order in which to try. */
  candidates(purpose: Purpose): readonly Member[]
  /** Whether a connection that is open may go on to serve. */
  serves(member: Member, purpose: Purpose): boolean
  /** Nobody can be written to, as far as is known. */
  readonly isLost: boolean
  /** Whether there is a replica that may be read from. */
  readonly hasReplica: boolean
  /** The server has refused to write. */
  onReadOnly(member: Member): void
  /** A connection was lost, or could not be opened: whoever looks at servers should do so now. */
  onTrouble(): void
  /** Resolves when something has changed, or after so many milliseconds. */
  change(ms: number): Promise<void>
  start(): void
  close(): void
}
