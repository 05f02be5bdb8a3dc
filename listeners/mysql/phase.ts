/** What a session is doing, and what it reads from its client meanwhile. */

/**
 * ready      reads commands
 * waiting    for a connection, for one to be made right for this client, or for a statement to be prepared on it
 * uploading  passes on the rest of a large command
 * discarding reads over the rest of a large command that was refused
 * busy       waits for the end of the response
 * infile     passes on the file of a LOAD DATA LOCAL
 * proving    is asked who the client is now (COM_CHANGE_USER)
 * answering  passes on the answer to such a question of the server's
 */
export type Phase =
  | 'ready'
  | 'waiting'
  | 'uploading'
  | 'discarding'
  | 'busy'
  | 'infile'
  | 'proving'
  | 'answering'
  | 'closed'

/** More of the command at hand, or of what belongs to it, is read. */
export const READING: ReadonlySet<Phase> = new Set(['uploading', 'discarding', 'infile', 'proving', 'answering'])
/** What answers a question of the login is one packet. */
export const PROOF: ReadonlySet<Phase> = new Set(['proving', 'answering'])
