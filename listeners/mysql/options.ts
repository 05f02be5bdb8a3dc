/** The options of a MySQL listener: the application's side, the same on every cloud. */
import * as z from 'zod/mini'
import { described, duration, secretRef, serverTls, size } from '../../src/config/index.ts'
import { certificateRule } from './certificate-rule.ts'

const user = z.strictObject({
  name: z.string().check(z.minLength(1), z.describe('The user name.')),
  password: z.optional(secretRef()).apply(described('The password; without it the user has none.')),
  certificate: z
    .optional(certificateRule)
    .apply(
      described(
        'The client must show a certificate too, one of `tls.clientCa` of which all that is said here holds; `{}` for any.',
      ),
    ),
  databases: z
    .optional(z.array(z.string()))
    .apply(
      described(
        'Databases that the user may choose, at login or by USE; without the list any. Tables of others can be named all the same: what the account at the backend may not do, the server refuses.',
      ),
    ),
  readOnly: z
    ._default(z.boolean(), false)
    .apply(
      described(
        'The user may only read: other statements are refused by what they are. A stored function may still write.',
      ),
    ),
})

const options = z.strictObject({
  authentication: z
    ._default(z.enum(['users', 'relay']), 'users')
    .apply(
      described(
        '`users`: clients prove here who they are. `relay`: to the server, by whatever plugin it wants; each has a connection to it of its own, and no credentials are needed here.',
      ),
    ),
  users: z
    .prefault(z.array(user), [])
    .apply(described('Clients must authenticate as one of these; without users anybody may (`trust`).')),
  tls: z.optional(serverTls()).apply(described('TLS towards clients that ask for it.')),
  requireTls: z._default(z.boolean(), false).apply(described('Refuse clients that do not use TLS.')),
  compression: z
    ._default(z.boolean(), true)
    .apply(
      described('Compress for clients that ask for it: zlib, and zstd from Node.js 22.15 on. Others pay nothing.'),
    ),
  pooling: z
    ._default(z.enum(['transaction', 'session']), 'transaction')
    .apply(
      described(
        '`transaction`: a connection to the backend is held while a transaction or state that cannot be moved needs it. `session`: as long as the client stays.',
      ),
    ),
  maxConnections: z
    ._default(z.int().check(z.minimum(1)), 10_000)
    .apply(described('Clients at most; one more is told so and closed.')),
  authenticationTimeout: duration('10s').apply(
    described('Time for a client to log in, the TLS handshake included; and to prove who it is with COM_CHANGE_USER.'),
  ),
  idleTimeout: duration('8h').apply(described('Clients that send nothing for so long are closed; 0 for never.')),
  transactionIdleTimeout: duration('0ms').apply(
    described('Clients that hold a connection to the backend and send nothing for so long are closed; 0 for never.'),
  ),
  writeTimeout: duration('60s').apply(
    described('A client that reads nothing for so long while results wait is closed.'),
  ),
  maxPacket: size('1GiB').apply(described('Requests may be so large at most; larger ones pass in pieces up to here.')),
  pinLog: duration('10s').apply(
    described(
      'Clients that something else than a transaction ties to a connection for longer are logged, ten a second, with reason and advice; 0 for none.',
    ),
  ),
  slowLog: duration('1s').apply(
    described('Statements that take longer are counted, and ten a second logged with their digest; 0 for none.'),
  ),
})

export const mysqlListenerOptions = options.check(({ value, issues }) => {
  const { users, tls, authentication } = value
  if (authentication === 'relay' && users.length > 0)
    issues.push({ code: 'custom', message: 'goes without `users`', input: value, path: ['authentication'] })
  for (const [index, { certificate }] of users.entries()) {
    if (certificate && tls?.clientCa === undefined)
      issues.push({
        code: 'custom',
        message: 'needs `tls.clientCa`, the file of the authorities to trust',
        input: value,
        path: ['users', index, 'certificate'],
      })
  }
})

export type MysqlListenerOptions = z.output<typeof mysqlListenerOptions>
