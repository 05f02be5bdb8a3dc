/** What a command's handler gets and may answer; the table of handlers is in commands/index.ts. */
import type { Session } from './session.ts'

/** One whole request in a buffer that is read into again. */
export interface Frame {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** Up to where the buffer holds what came behind it. */
  readonly limit: number
  /** Arguments, name included. */
  readonly argc: number
  /** The command's id, -1 when it is unknown. */
  readonly command: number
}

/** What became of a request; a number from 0 on: it and others were sent, go on at that offset. */
export type Handled = number

export const Handled = {
  /** Send it to the session's pipeline as it is. */
  FORWARD: -1,
  /** It is answered, or will be. */
  DONE: -2,
  /** Read no further; call again with the same request when the session reads on. */
  WAIT: -3,
  /** The handler has sent it, or another in its place. */
  SENT: -4,
} as const

export type Handler = (session: Session, frame: Frame) => Handled

/** Why a session needs a private pipeline. */
export const Pin = {
  WATCH: 1,
  MULTI: 2,
  /** Blocking commands, until they are answered. */
  BLOCK: 4,
  /** A request that passes in pieces, until it is answered. */
  UPLOAD: 8,
  /** CLIENT TRACKING and the like: until RESET or the end. */
  STATE: 16,
  /** MONITOR and the like: the connection is no longer one of requests and replies. */
  STREAM: 32,
} as const

/** Pins that are over when everything is answered. */
export const TRANSIENT_PINS = Pin.BLOCK | Pin.UPLOAD
