/** The errors of ZooKeeper that mean something here, and what it says of each. */

export const ERROR = {
  /** Of a step in a transaction: it was not looked at, as one before it failed. */
  notDone: -2,
  unimplemented: -6,
  badArguments: -8,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  noWatcher: -121,
} as const

const MEANINGS: Readonly<Record<number, string>> = {
  [-1]: 'a system error',
  [-2]: 'a step before it failed',
  [-5]: 'the request cannot be read',
  [-6]: 'this server is too old for it',
  [-7]: 'an operation took too long',
  [-8]: 'the arguments are wrong',
  [-101]: 'there is no such node',
  [-102]: 'the access control list does not allow it',
  [-103]: 'the node has another version',
  [-108]: 'an ephemeral node has no children',
  [-110]: 'the node exists already',
  [-111]: 'the node has children',
  [-112]: 'the session has expired',
  [-114]: 'the access control list is not valid; it may need an authenticated session',
  [-115]: 'authentication failed',
  [-118]: 'the session has moved to another server',
  [-119]: 'the server only reads, it has no quorum',
  [-121]: 'there is no such watch',
  [-125]: 'a quota is reached',
}

export function errorText(code: number): string {
  return MEANINGS[code] ?? `error ${code}`
}
