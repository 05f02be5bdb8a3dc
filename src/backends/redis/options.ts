/** The options of a Redis backend: the cloud's side, all that changes when the application moves. */
import { z } from 'zod'
import { address, clientTls, duration, secretRef } from '../../config/index.ts'

export const redisBackendOptions = z
  .strictObject({
    topology: z.enum(['standalone']).default('standalone').describe('How the endpoints belong together.'),
    endpoints: z
      .array(address())
      .min(1)
      .optional()
      .describe('Where the servers are, as `host:port` or `unix:/path`; tried in this order.'),
    embedded: z
      .union([
        z.boolean(),
        z.strictObject({
          dataDirectory: z.string().default('.portolan/redis').describe('Where the embedded server keeps its data.'),
          binary: z.string().default('redis-server').describe('The program to run.'),
        }),
      ])
      .optional()
      .describe('Portolan starts and supervises a private redis-server of its own; instead of endpoints.'),
    tls: clientTls().optional().describe('TLS towards the endpoints; `{}` for the defaults.'),
    credentials: z
      .strictObject({
        username: z.string().optional().describe('The ACL user; without it only the password is sent.'),
        password: secretRef().describe(
          'The password or token; read again for each new connection, or after `refresh`.',
        ),
      })
      .optional()
      .describe('How Portolan authenticates to the backend; clients authenticate to the listener.'),
    connectTimeout: duration('2s').describe(
      'Limit for name, connection and TLS together; and once more for the server to answer the handshake.',
    ),
    requestTimeout: duration('30s').describe(
      'Time for a reply; the client then gets an error, blocking commands excepted.',
    ),
    holdTime: duration('0ms').describe('How long requests wait for a backend that is away before they get an error.'),
    exclusive: z
      .strictObject({
        max: z
          .int()
          .min(1)
          .default(256)
          .describe('Exclusive connections at most: WATCH, MULTI in pieces, blocking commands, large values.'),
        spare: z.int().min(0).default(2).describe('Exclusive connections kept ready, for each RESP version in use.'),
        waitTimeout: duration('5s').describe('How long a client waits for an exclusive connection.'),
      })
      .prefault({ waitTimeout: '5s' })
      .describe('Connections that serve one client at a time.'),
  })
  .check(({ value, issues }) => {
    if (issues.length > 0 || (value.endpoints !== undefined) !== Boolean(value.embedded)) return
    const message = value.embedded
      ? 'give either endpoints or embedded, not both'
      : 'needs endpoints, or embedded: true'
    issues.push({ code: 'custom', message, input: value, path: ['endpoints'] })
  })

export type RedisBackendOptions = z.output<typeof redisBackendOptions>
