/** What a session needs of its listener. */
import type { CommandTable, RequestLimits, RequestScanner } from '../../codecs/redis/index.ts'
import type { Lane, PrivatePool, RedisBackend, Subscriptions } from '../../src/backends/redis/index.ts'
import type { ReadBuffer } from '../../src/net/index.ts'
import type { OperationStats } from '../../src/observability/operation-stats.ts'
import type { Clock } from '../../src/protocol.ts'
import type { Frame, Handler } from './command-handler.ts'
import type { RedisListenerOptions } from './options.ts'
import type { OutletLimits } from './outlet.ts'
import type { Session } from './session.ts'
import type { SlowClients } from './slow-clients.ts'
import type { Users } from './users.ts'

export interface SessionHost {
  readonly name: string
  readonly clock: Clock
  readonly options: RedisListenerOptions
  readonly readBuffer: ReadBuffer
  readonly scanner: RequestScanner
  readonly requestLimits: RequestLimits
  readonly table: CommandTable
  /** Command names by id. */
  readonly names: readonly string[]
  /** By command id: 0 for what any connection can serve; the last entry is for unknown commands. */
  readonly specials: Uint8Array
  readonly handlers: readonly (Handler | undefined)[]
  /** Scratch: the operations of the requests that are sent next. */
  readonly operations: Uint16Array
  readonly stats: OperationStats
  readonly outletLimits: OutletLimits
  readonly slowClients: SlowClients
  /** Who clients may be; nobody needs to be anybody where there are none. */
  readonly users: Users
  readonly backend: RedisBackend
  readonly pool: PrivatePool
  readonly subscriptions: Subscriptions
  lane(protocol: 2 | 3, database: number, scripts?: boolean): Lane
  /** All sessions by id. */
  readonly sessions: ReadonlyMap<number, Session>
  /** The error reply to a request (`partial`: the beginning of one) that must not be served; undefined for others. */
  refusal(session: Session, frame: Frame, partial?: boolean): Buffer | undefined
  /** Whether the listener's policy refuses the command, or some of its subcommands. */
  isDenied(command: number): boolean
  /** The frame's operation for the statistics: its command's id plus one, its subcommand's where it has one. */
  operationOf(frame: Frame): number
  slow(session: Session, operation: number, durationMs: number): void
  protocolError(kind: string): void
  /** Closes a client that breaks a limit, and says so in the log. */
  dropped(session: Session, reason: string): void
  onSessionClosed(session: Session): void
}
