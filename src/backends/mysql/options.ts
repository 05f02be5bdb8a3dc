/** The options of a MySQL backend: the cloud's side, all that changes when the application moves. */
import { z } from 'zod'
import { address, clientTls, duration, secretRef } from '../../config/index.ts'

export const mysqlBackendOptions = z
  .strictObject({
    endpoints: z
      .array(address())
      .min(1)
      .optional()
      .describe('Where the servers are, as `host:port` or `unix:/path`; tried in this order.'),
    embedded: z
      .union([
        z.boolean(),
        z.strictObject({
          dataDirectory: z.string().default('.portolan/mysql').describe('Where the embedded server keeps its data.'),
          binary: z.string().default('mariadbd').describe('The program to run.'),
        }),
      ])
      .optional()
      .describe('Portolan starts and supervises a private mariadbd of its own; instead of endpoints.'),
    tls: clientTls().optional().describe('TLS towards the endpoints; `{}` for the defaults.'),
    credentials: z
      .strictObject({
        username: z.string().describe('The account at the backend.'),
        password: secretRef().optional().describe('Its password or token; read again for each new connection.'),
      })
      .optional()
      .describe(
        'How Portolan authenticates to the backend. Without it each client is logged in with the name and password that it has at the listener.',
      ),
    connectTimeout: duration('5s').describe('Time to resolve, connect, do TLS and authenticate.'),
    pool: z
      .strictObject({
        max: z.int().min(1).default(100).describe('Connections to the backend at most, of all users together.'),
        waitTimeout: duration('10s').describe('How long a client waits for a connection before it gets an error.'),
        idleTimeout: duration('5m').describe('Idle connections are closed after so long; keep it below wait_timeout.'),
        maxLifetime: duration('30m').describe('Connections are replaced after so long, give or take a tenth.'),
        maxStatements: z
          .int()
          .min(1)
          .default(200)
          .describe('Prepared statements kept on each connection; the least recently used one is closed.'),
      })
      .prefault({ waitTimeout: '10s', idleTimeout: '5m', maxLifetime: '30m' })
      .describe('The connections that clients share.'),
  })
  .check(({ value, issues }) => {
    if (value.embedded && value.credentials) {
      const message = 'an embedded server has an account of its own: leave credentials out'
      issues.push({ code: 'custom', message, input: value, path: ['credentials'] })
    }
    if (issues.length > 0 || (value.endpoints !== undefined) !== Boolean(value.embedded)) return
    const message = value.embedded
      ? 'give either endpoints or embedded, not both'
      : 'needs endpoints, or embedded: true'
    issues.push({ code: 'custom', message, input: value, path: ['endpoints'] })
  })

export type MysqlBackendOptions = z.output<typeof mysqlBackendOptions>
