/**
 * Which commands a replica may serve: statements that plainly only read, outside of transactions, and transactions that
 * are begun as READ ONLY. What is not plain goes to the primary.
 */
import {
  type ResponseTracker,
  SERVER_STATUS_AUTOCOMMIT,
  StatementFlag,
  StatementKind,
} from '../../codecs/mysql/index.ts'
import type { LastWrite, Upstream } from '../../src/backends/mysql/index.ts'
import { Pin } from './pin.ts'
import type { StatementFacts } from './pinning.ts'
import type { Session } from './session.ts'

const Kind = StatementKind

/** What ends a READ ONLY transaction without saying so, and goes on as something else. */
const ENDING: ReadonlySet<number> = new Set([Kind.BEGIN, Kind.START_TRANSACTION, Kind.LOCK_TABLES, Kind.XA])
/** About the statement before, on whichever connection that was. */
const LOOKING_BACK: ReadonlySet<number> = new Set([Kind.SHOW_WARNINGS, Kind.GET_DIAGNOSTICS])
/** Statements that write although they return rows. */
const RETURNING: ReadonlySet<number> = new Set([Kind.INSERT, Kind.REPLACE, Kind.UPDATE, Kind.DELETE])
/** Statements that do not write, whatever else they do. */
const HARMLESS: ReadonlySet<number> = new Set([
  ...[Kind.EMPTY, Kind.SELECT, Kind.WITH, Kind.TABLE, Kind.VALUES, Kind.EXPLAIN, Kind.DO, Kind.SET, Kind.USE],
  ...[Kind.SHOW, Kind.SHOW_SCHEMA, Kind.SHOW_WARNINGS, Kind.GET_DIAGNOSTICS, Kind.BEGIN, Kind.START_TRANSACTION],
  ...[Kind.ROLLBACK, Kind.ROLLBACK_TO_SAVEPOINT, Kind.SAVEPOINT, Kind.RELEASE_SAVEPOINT, Kind.KILL, Kind.KILL_QUERY],
  ...[Kind.PREPARE, Kind.DEALLOCATE, Kind.HANDLER_OPEN, Kind.HANDLER_READ, Kind.HANDLER_CLOSE, Kind.UNLOCK_TABLES],
])

/** Whether the command at hand, of a client without a connection, may be served by a replica. */
export function mayReadElsewhere(session: Session): boolean {
  const { backend, facts, lastWrite, status, pins } = session
  if (!backend.readsFromReplica || pins !== 0 || (status & SERVER_STATUS_AUTOCOMMIT) === 0) return false
  return (facts.readsOnly || beginsReadOnly(facts)) && !lastWrite.isBlind(backend.now())
}

function beginsReadOnly({ kind, flags }: StatementFacts): boolean {
  return (
    kind === Kind.START_TRANSACTION &&
    (flags & StatementFlag.READ_ONLY_TRANSACTION) !== 0 &&
    (flags & StatementFlag.MULTI) === 0
  )
}

/**
 * What becomes of a client that has a replica's connection, with its next command: `stay`; `leave`, as the transaction
 * there is over or there is none; `refuse`, as nothing else would be right.
 */
export function onReplica(session: Session): 'stay' | 'leave' | 'refuse' {
  const { facts, pins } = session
  if ((pins & Pin.TRANSACTION) !== 0) {
    if (ENDING.has(facts.kind) && (facts.flags & StatementFlag.MULTI) === 0) return 'leave'
    // Behind a COMMIT among them anything might be written.
    return (facts.flags & StatementFlag.MULTI) !== 0 && !facts.readsOnly ? 'refuse' : 'stay'
  }
  if (facts.readsOnly || LOOKING_BACK.has(facts.kind)) return 'stay'
  return session.isMovable ? 'leave' : 'refuse'
}

/** Behind a response of the primary: what replicas must have before this client reads there. */
export function noteWrite(lastWrite: LastWrite, upstream: Upstream, tracker: ResponseTracker, session: Session): void {
  const { gtid } = upstream.session
  const { gtids } = upstream.facts
  if (gtid !== '' && gtids !== null) return lastWrite.note(upstream, gtid)
  const { kind, flags } = session.facts
  const isUntold =
    gtids === null
      ? !HARMLESS.has(kind) || (flags & StatementFlag.UNKNOWN_FUNCTION) !== 0
      : // An answer with rows may end in a packet that has no room for it.
        RETURNING.has(kind) && tracker.columns > 0
  const { backend } = session
  if (isUntold) lastWrite.noteBlind(backend.now() + backend.options.maxReplicaLag + backend.options.checkInterval)
}
