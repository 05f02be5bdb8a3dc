/**
 * Rows whose answers through Portolan are wrong, and how, until that is mended: the test of a row must fail as long as
 * its line stands here. Delete the line then.
 */
export const FAULTS: Readonly<Record<string, string>> = {
  'HELLO > in a transaction': 'it is not queued',
  'about the connection > CLIENT REPLY OFF in a transaction': 'it is not queued',
  'about the connection > CLIENT REPLY OFF in a transaction, bit by bit': 'it is not queued',
  'transactions > names within': 'the name is given to the connection behind, for whoever has it next',
  'transactions > names within, bit by bit': 'the same',
  'transactions > SUBSCRIBE within': 'in RESP3 a half-closed client is kept for ever',
  'transactions > SUBSCRIBE within, bit by bit': 'the same',
  'transactions > AUTH within': 'it is not queued',
  'transactions > AUTH within, bit by bit': 'it is not queued',
}
