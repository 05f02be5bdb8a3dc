/** The options of a Redis backend: the cloud's side, all that changes when the application moves. */
import * as z from 'zod/mini'
import { address, clientTls, duration, secretRef } from '../../config/index.ts'

export const redisBackendOptions = z
  .strictObject({
    topology: z._default(z.enum(['standalone']), 'standalone').check(z.describe('How the endpoints belong together.')),
    endpoints: z
      .optional(z.array(address()).check(z.minLength(1)))
      .check(z.describe('Where the servers are, as `host:port` or `unix:/path`; tried in this order.')),
    embedded: z
      .optional(
        z.union([
          z.boolean(),
          z.strictObject({
            dataDirectory: z
              ._default(z.string(), '.portolan/redis')
              .check(z.describe('Where the embedded server keeps its data.')),
            binary: z._default(z.string(), 'redis-server').check(z.describe('The program to run.')),
          }),
        ]),
      )
      .check(z.describe('Portolan starts and supervises a private redis-server of its own; instead of endpoints.')),
    tls: z.optional(clientTls()).check(z.describe('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.optional(z.string()).check(z.describe('The ACL user; without it only the password is sent.')),
          password: secretRef().check(
            z.describe('The password or token; read again for each new connection, or after `refresh`.'),
          ),
        }),
      )
      .check(z.describe('How Portolan authenticates to the backend; clients authenticate to the listener.')),
    connectTimeout: duration('2s').check(
      z.describe('Limit for name, connection and TLS together; and once more for the server to answer the handshake.'),
    ),
    requestTimeout: duration('30s').check(
      z.describe('Time for a reply; the client then gets an error, blocking commands excepted.'),
    ),
    holdTime: duration('0ms').check(
      z.describe('How long requests wait for a backend that is away before they get an error.'),
    ),
    exclusive: z
      .prefault(
        z.strictObject({
          max: z
            ._default(z.int().check(z.minimum(1)), 256)
            .check(
              z.describe('Exclusive connections at most: WATCH, MULTI in pieces, blocking commands, large values.'),
            ),
          spare: z
            ._default(z.int().check(z.minimum(0)), 2)
            .check(z.describe('Exclusive connections kept ready, for each RESP version in use.')),
          waitTimeout: duration('5s').check(z.describe('How long a client waits for an exclusive connection.')),
        }),
        { waitTimeout: '5s' },
      )
      .check(z.describe('Connections that serve one client at a time.')),
  })
  .check(({ value, issues }) => {
    if (issues.length > 0 || (value.endpoints !== undefined) !== Boolean(value.embedded)) return
    const message = value.embedded
      ? 'give either endpoints or embedded, not both'
      : 'needs endpoints, or embedded: true'
    issues.push({ code: 'custom', message, input: value, path: ['endpoints'] })
  })

export type RedisBackendOptions = z.output<typeof redisBackendOptions>
