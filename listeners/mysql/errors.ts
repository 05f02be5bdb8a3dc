/** Errors of ours in the words of a MySQL server: which code and state a client gets for what went wrong. */
import { type ServerError, ServerErrors } from '../../codecs/mysql/index.ts'
import { ServerRefusal } from '../../src/backends/mysql/index.ts'
import type { ProxyError } from '../../src/errors.ts'

/** As of a server that cannot reach one behind it, with the state of a connection that failed: clients may try again. */
const UNREACHABLE: ServerError = { code: 1429, sqlState: '08001', message: 'the backend cannot be reached' }

/** The backend was changed for one that has less than its predecessor had when the client logged in. */
export const TOO_LONG_FOR_ATTRIBUTES: ServerError = {
  ...ServerErrors.notSupported,
  message: 'The backend has no query attributes, and they cannot be taken from so long a request: connect again',
}
export const NO_BULK_EXECUTION: ServerError = {
  ...ServerErrors.notSupported,
  message: 'The backend has no bulk execution (COM_STMT_BULK_EXECUTE): connect again to do without',
}

/** The server knows no such number. */
export const ONLY_ALONE: ServerError = {
  ...ServerErrors.notSupported,
  message: 'KILL with the number of a connection to the proxy has to be a statement of its own',
}

/** Wrong answers would be the alternative. */
export const LAST_STATEMENT_GONE: ServerError = {
  ...ServerErrors.notSupported,
  message: 'What the last statement has left cannot be told any more, as its connection serves other clients',
}

const BY_CODE: Readonly<Record<string, ServerError>> = {
  'pool-timeout': ServerErrors.tooManyConnections,
  'pool-full': ServerErrors.tooManyConnections,
  'upstream-lost': ServerErrors.serverLost,
  'upstream-closed': ServerErrors.shutdown,
}

/** The server's own code, state and words where it was the server that refused. */
export function errorOf(error: ProxyError): ServerError {
  if (error instanceof ServerRefusal)
    return { code: error.serverCode, sqlState: error.sqlState || 'HY000', message: error.words }
  return { ...(BY_CODE[error.code] ?? UNREACHABLE), message: error.message }
}
