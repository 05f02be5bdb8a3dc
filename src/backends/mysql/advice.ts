/** What a user can do about that which keeps a backend from being used: for `check --probe` and the log. */

/** The code of a secret that cannot be read. */
export const SECRET = 'secret-unavailable'

/** What to do about a server that does not behave like one. */
export const NO_MYSQL = 'see whether a MySQL-compatible server listens on this address, and what its error log says'

/** What to do about the server's refusals, by error number. */
const REFUSALS: Readonly<Record<number, string>> = {
  1040: 'the server has no connection left: close some, or raise its max_connections',
  1045: 'check credentials.username and credentials.password of this backend, and that the account may log in from this host',
  1129: 'let an administrator of the server run FLUSH HOSTS',
  1130: "the server knows no account for this host: create it as 'user'@'host' or 'user'@'%'",
  1203: 'the account has no connection left: close some, or raise its max_user_connections',
  1226: 'the account has reached a limit of its own (SHOW GRANTS): wait, or raise it',
  1698: 'give this backend credentials.password, or an account that logs in with a password',
  1820: 'set a new password for the account: this one has expired',
  1862: 'set a new password for the account: this one has expired',
  3118: 'let an administrator of the server unlock the account',
  3159: 'the server wants TLS: give this backend `tls: {}`',
  4151: 'let an administrator of the server unlock the account',
}

/** And about what is no refusal, by code. */
const CAUSES: Readonly<Record<string, string>> = {
  'upstream-login-timeout': NO_MYSQL,
  'upstream-protocol': NO_MYSQL,
  'upstream-auth-plugin':
    'let the account have a password of caching_sha2_password or mysql_native_password; in clear it goes over TLS only',
  [SECRET]:
    'see credentials.password of this backend; the secret must be there for the process and user that run Portolan',
}

interface Reason {
  readonly code: string
  /** The server's error number, where it has refused. */
  readonly number: number | undefined
}

/** Undefined when there is no more to say than the error does. `tls`: the backend is reached by TLS. */
export function nextStep({ code, number }: Reason, tls: boolean): string | undefined {
  const next = number === undefined ? CAUSES[code] : REFUSALS[number]
  // To an account that REQUIREs TLS the server says no more than this.
  return number === 1045 && !tls
    ? `${next}; if the server or the account requires TLS, give this backend \`tls: {}\``
    : next
}
