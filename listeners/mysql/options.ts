/** The options of a MySQL listener: the application's side, the same on every cloud. */
import { z } from 'zod'
import { duration, secretRef, serverTls, size } from '../../src/config/index.ts'
import { certificateRule } from './certificate-rule.ts'

const user = z.strictObject({
  name: z.string().min(1).describe('The user name.'),
  password: secretRef().optional().describe('The password; without it the user has none.'),
  certificate: certificateRule
    .optional()
    .describe(
      'The client must show a certificate too, one of `tls.clientCa` of which all that is said here holds; `{}` for any.',
    ),
  databases: z
    .array(z.string())
    .optional()
    .describe(
      'Databases that the user may choose, at login or by USE; without the list any. Tables of others can be named all the same: what the account at the backend may not do, the server refuses.',
    ),
  readOnly: z
    .boolean()
    .default(false)
    .describe(
      'The user may only read: other statements are refused by what they are. A stored function may still write.',
    ),
})

const options = z.strictObject({
  users: z
    .array(user)
    .prefault([])
    .describe('Clients must authenticate as one of these; without users anybody may (`trust`).'),
  tls: serverTls().optional().describe('TLS towards clients that ask for it.'),
  requireTls: z.boolean().default(false).describe('Refuse clients that do not use TLS.'),
  compression: z
    .boolean()
    .default(true)
    .describe('Compress for clients that ask for it: zlib, and zstd from Node.js 22.15 on. Others pay nothing.'),
  pooling: z
    .enum(['transaction', 'session'])
    .default('transaction')
    .describe(
      '`transaction`: a connection to the backend is held while a transaction or state that cannot be moved needs it. `session`: as long as the client stays.',
    ),
  maxConnections: z.int().min(1).default(10_000).describe('Clients at most; one more is told so and closed.'),
  authenticationTimeout: duration('10s').describe('Time for a client to log in, the TLS handshake included.'),
  idleTimeout: duration('8h').describe('Clients that send nothing for so long are closed; 0 for never.'),
  transactionIdleTimeout: duration('0ms').describe(
    'Clients that hold a connection to the backend and send nothing for so long are closed; 0 for never.',
  ),
  writeTimeout: duration('60s').describe('A client that reads nothing for so long while results wait is closed.'),
  maxPacket: size('1GiB').describe('Requests may be so large at most; larger ones pass in pieces up to here.'),
  pinLog: duration('10s').describe(
    'Clients that something else than a transaction ties to a connection for longer are logged, ten a second, with reason and advice; 0 for none.',
  ),
  slowLog: duration('1s').describe(
    'Statements that take longer are counted, and ten a second logged with their digest; 0 for none.',
  ),
})

export const mysqlListenerOptions = options.check(({ value, issues }) => {
  const { users, tls } = value
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
