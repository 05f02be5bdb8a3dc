/** What an upstream connection is, and who has to do with it: who gets responses, who holds it, where it belongs. */
import type { Capabilities, ResponseTracker } from '../../../codecs/mysql/index.ts'
import type { ProxyError } from '../../errors.ts'
import type { Member } from './member.ts'
import type { GtidKind } from './session-setup.ts'
import type { Baseline } from './session-state.ts'
import type { Purpose } from './topology.ts'
import type { Upstream } from './upstream.ts'

/** Who gets a response. */
export interface Recipient {
  /** Takes OK packets without session trackers: the client has no CLIENT_SESSION_TRACK. */
  readonly stripTrackers: boolean
  /** Has switched session trackers on itself: takes all of them. */
  readonly showAllTrackers: boolean
  /** Has asked for a file of the client's to be loaded. */
  readonly allowLocalInfile: boolean
  /**
   * Takes bytes of it, as they came. Memory that is not owned may be reused at once when the answer is true, and only after
   * resume() when it is false. False also means: read no more until then, or until the response is complete.
   */
  onResponse(bytes: Buffer, owned: boolean): boolean
  /** It is complete; what it was can be read from the tracker until this returns. */
  onResponseEnd(tracker: ResponseTracker): void
  /** The server asks for the file that the statement named. */
  onLocalInfile(tracker: ResponseTracker): void
  /** The server asks who the client is now (COM_CHANGE_USER); the question was passed on. */
  onAuthQuestion?(tracker: ResponseTracker): void
  /** The connection has gone before the end. */
  onLost(error: ProxyError, tracker: ResponseTracker): void
}

export interface UpstreamFacts {
  readonly group: string
  readonly member: Member
  readonly purpose: Purpose
  /** Null where the client has logged in itself. */
  readonly account: Account | null
  /** Of its first client. */
  readonly generation: number
  /** The server's own number for the connection. */
  readonly threadId: number
  /** Agreed on with the server: what it understands. */
  readonly capabilities: Capabilities
  /** Of the clients that the connection is for: what responses look like for them. */
  readonly clientCapabilities: Capabilities
  readonly baseline: Baseline
  /** What makes session tracking work, and character sets as after the login; sent behind each reset. Empty: none. */
  readonly setup: string
  /** How the server tells the GTIDs of what is written; null when it does not. */
  readonly gtids: GtidKind | null
  /** Milliseconds on the clock's scale. */
  readonly expiresAt: number
  readonly maxStatements: number
  readonly schema: string | null
  /** Counts as one of the pool's. */
  readonly pooled: boolean
}

export interface Account {
  readonly username: string
  readonly password: string
}

/** Whose LAST_INSERT_ID() a server has. */
export interface InsertUser {
  /** Another client takes over: the value now, and what it was when this one came. */
  saveInsertId(now: string, before: string, upstream: Upstream): void
}

/** The backend that a connection belongs to: it returns there, whichever backend its client uses next. */
export interface Home {
  readonly now: () => number
  /** Takes back a connection that can serve anyone. */
  release(upstream: Upstream): void
  /** Takes back a connection in whatever state a client has left it. */
  recycle(upstream: Upstream): void
  /** Its client has gone in the middle of a response: what runs is ended. */
  abandon(upstream: Upstream): void
  /** Ends what a connection runs, and nothing that another client runs there later. */
  killQuery(upstream: Upstream): void
  /** `lost`: not closed by us. */
  onClosed(upstream: Upstream, lost: boolean): void
}

/** Whom a connection is lent to. */
export interface Holder {
  /** Somebody waits: gives the connection back if it is only kept for what can be saved. True if it will come back soon. */
  yieldConnection(): boolean
  /** The connection has gone while it was not answering anything. */
  onUpstreamClosed(error: ProxyError): void
}
