/**
 * sha256_password: the password itself, under TLS or encrypted with the server's RSA key.
 * https://dev.mysql.com/doc/refman/8.4/en/sha256-pluggable-authentication.html
 */
export const SHA256_PASSWORD = 'sha256_password'

/** What a client sends to be told the server's public key. */
export const SHA256_REQUEST_KEY = 1
