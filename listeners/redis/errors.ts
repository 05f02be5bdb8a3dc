/** Errors in Redis's own words, as far as Redis has words for them; clients match on these texts. */
import { encodeError } from '../../codecs/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'

export const NO_AUTH = encodeError('NOAUTH Authentication required.')
export const WRONG_PASSWORD = encodeError('WRONGPASS invalid username-password pair or user is disabled.')
export const SYNTAX_ERROR = encodeError('ERR syntax error')
export const TOO_MANY_CLIENTS = encodeError('ERR max number of clients reached')

export const TRANSACTION_LOST = encodeError(
  'EXECABORT Transaction discarded because the connection to the backend was lost.',
)

/** Of a transaction that could not begin. */
export function discarded({ message }: ProxyError): Buffer {
  return encodeError(`EXECABORT Transaction discarded because of previous errors: ${message}`)
}

export function wrongArity(command: string): Buffer {
  return encodeError(`ERR wrong number of arguments for '${command}' command`)
}

/** What was given as a C string: up to its first zero byte, and no more than the text takes. */
export function shown(given: Buffer, most = Number.POSITIVE_INFINITY): string {
  const zero = given.indexOf(0)
  return given.toString('latin1', 0, Math.min(zero < 0 ? given.length : zero, most))
}

export function unknownCommand([name, ...rest]: readonly Buffer[]): Buffer {
  let listed = ''
  for (const arg of rest) {
    if (listed.length >= 128) break
    listed += `'${shown(arg, 128 - listed.length)}' `
  }
  return encodeError(`ERR unknown command '${shown(name!, 128)}', with args beginning with: ${listed}`)
}

export function unknownSubcommand(given: Buffer, container: string): Buffer {
  return encodeError(`ERR unknown subcommand '${shown(given, 128)}'. Try ${container.toUpperCase()} HELP.`)
}

/** What is refused before it runs; of EXEC that is the end of a transaction. */
export function rejected(command: string, reply: Buffer): Buffer {
  if (command !== 'exec') return reply
  const why = reply.toString('latin1', 1, reply.length - 2).replace(/^ERR /, '')
  return encodeError(`EXECABORT Transaction discarded because of: ${why}`)
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
