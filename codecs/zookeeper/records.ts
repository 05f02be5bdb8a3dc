/** Records that stand in several messages. */
import { bool, buffer, int, type JuteReader, long, text } from './jute.ts'

/** What ZooKeeper knows of a node beside its data. */
export interface Stat {
  /** Of the transaction that created it. */
  readonly czxid: bigint
  /** Of the last one that changed its data. */
  readonly mzxid: bigint
  /** Milliseconds since 1970 by the leader's clock. */
  readonly ctime: bigint
  readonly mtime: bigint
  /** Changes of its data since it was created. */
  readonly version: number
  readonly numChildren: number
  /** The session with which it ends; 0: it stays. */
  readonly ephemeralOwner: bigint
}

export function readStat(reader: JuteReader): Stat {
  const [czxid, mzxid, ctime, mtime] = [reader.long(), reader.long(), reader.long(), reader.long()]
  const version = reader.int()
  reader.int() // cversion
  reader.int() // aversion
  const ephemeralOwner = reader.long()
  reader.int() // dataLength
  const numChildren = reader.int()
  reader.long() // pzxid
  return { czxid, mzxid, ctime, mtime, version, numChildren, ephemeralOwner }
}

/** The head of every reply, and of what comes unasked. */
export interface ReplyHeader {
  readonly xid: number
  readonly zxid: bigint
  /** 0, or one of ERRORS. */
  readonly error: number
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return { xid: reader.int(), zxid: reader.long(), error: reader.int() }
}

/** The transaction ids of what is no answer to a request, or to one that is not numbered. */
export const XID = { event: -1, ping: -2, auth: -4 } as const

export interface Session {
  /** 0n asks for a new one. */
  readonly id: bigint
  readonly password: Buffer
  readonly timeoutMs: number
}

/** The first frame of a connection, framed. */
export function encodeConnect({ id, password, timeoutMs }: Session, lastZxid: bigint): Buffer {
  return framed(int(0), long(lastZxid), int(timeoutMs), long(id), buffer(password), bool(false))
}

/** Its answer. A timeout of 0 says that the session is none any more. */
export function readConnected(reader: JuteReader): Session {
  reader.int() // protocol version
  const timeoutMs = reader.int()
  const id = reader.long()
  const password = Buffer.from(reader.buffer() ?? [])
  return { id, password, timeoutMs }
}

export const EVENT_TYPE = { session: -1, created: 1, deleted: 2, changed: 3, children: 4 } as const

/** A watch has fired. */
export interface WatchEvent {
  /** One of EVENT_TYPE, or newer. */
  readonly type: number
  readonly path: string
}

export function readEvent(reader: JuteReader): WatchEvent {
  const type = reader.int()
  reader.int() // the state of the session
  return { type, path: reader.text() }
}

export function encodePing(): Buffer {
  return framed(int(XID.ping), int(11))
}

/** As `digest` with `user:password`. */
export function encodeAuth(scheme: string, auth: string): Buffer {
  return framed(int(XID.auth), int(100), int(0), text(scheme), text(auth))
}

export function encodeCloseSession(xid: number): Buffer {
  return framed(int(xid), int(-11))
}

export function framed(...fields: readonly Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 0)
  return Buffer.concat([int(length), ...fields])
}
