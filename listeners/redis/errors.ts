/** Errors in Redis's own words, as far as Redis has words for them; clients match on these texts. */
import { encodeError } from '../../codecs/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'

export const NO_AUTH = encodeError('NOAUTH Authentication required.')
export const WRONG_PASSWORD = encodeError('WRONGPASS invalid username-password pair or user is disabled.')
export const SYNTAX_ERROR = encodeError('ERR syntax error')
export const TOO_MANY_CLIENTS = encodeError('ERR max number of clients reached')

export function wrongArity(command: string): Buffer {
  return encodeError(`ERR wrong number of arguments for '${command}' command`)
}

export function unknownSubcommand(given: string, container: string): Buffer {
  return encodeError(`ERR unknown subcommand '${given.slice(0, 128)}'. Try ${container.toUpperCase()} HELP.`)
}

/** Texts for what went wrong between us and the backend; the code is a word that a client may match. */
const TEXTS: Readonly<Record<string, (error: ProxyError) => string>> = {
  'upstream-timeout': error => `ERR upstream timeout: ${error.message}`,
  'upstream-lost': () => 'ERR upstream connection lost before the reply came; the command may have been executed',
  'upstream-stalled': () => 'ERR upstream connection lost before the reply came; the command may have been executed',
  'upstream-database': error => error.message,
  'upstream-busy': error => error.message,
  'upstream-refused-subscription': error => error.message,
}

/** The reply that stands for one that will not come. */
export function dress(error: ProxyError): Buffer {
  const text = TEXTS[error.code]
  return encodeError(text ? text(error) : `ERR upstream unavailable: ${error.message}`)
}
