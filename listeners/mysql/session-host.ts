/** What a session needs of its listener. */
import type { ResponseTracker, StatementScanner } from '../../codecs/mysql/index.ts'
import type { MysqlBackend } from '../../src/backends/mysql/index.ts'
import type { Clock } from '../../src/protocol.ts'
import type { Observer } from './observer.ts'
import type { MysqlListenerOptions } from './options.ts'
import type { Session } from './session.ts'

export interface SessionHost {
  readonly options: MysqlListenerOptions
  readonly backend: MysqlBackend
  readonly clock: Clock
  readonly observer: Observer
  /** Of the statement at hand: one for all sessions, as a statement is looked at in one go. */
  readonly scanner: StatementScanner
  /** The client knows nothing of session trackers. */
  hidesTrackers(session: Session): boolean
  /** The statement at hand loads a file of the client's. */
  allowsLocalInfile(session: Session): boolean
  session(id: number): Session | undefined
  /** Proves who a client now is (COM_CHANGE_USER); the session goes on when that has ended. */
  changeUser(session: Session, packet: Buffer): void
  received(bytes: number): void
  sent(bytes: number): void
  /** A command was answered by the backend. */
  answered(session: Session, tracker: ResponseTracker): void
  protocolError(kind: string): void
  onClosed(session: Session): void
}
