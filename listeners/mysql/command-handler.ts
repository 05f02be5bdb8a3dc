/** What a command's function gets and answers: one table in commands/index.ts leads from command bytes to functions. */
import type { Session } from './session.ts'

/** A command as it came; one object per session, filled anew for each. */
export interface Request {
  command: number
  /** The packet, header included; of a large one its beginning. */
  packet: Buffer
  /** More of the packet is to come. */
  partial: boolean
  /** The prepared statement that it names, by the client's number; 0 while nobody has looked. The packet gets the server's. */
  statementId: number
  /** How often it was sent again, as it had not run. */
  repeats: number
}

export const Handled = {
  /** Answered, or needs no answer: the next command may come. */
  DONE: 0,
  /** Goes to the backend as it is. */
  FORWARD: 1,
  /** Something else goes on first; the handler sees to what follows. */
  WAIT: 2,
} as const
export type Handled = (typeof Handled)[keyof typeof Handled]

export type CommandHandler = (session: Session, request: Request) => Handled
