/** The options of a Redis backend: the cloud's side, all that changes when the application moves. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration, embeddedServer, hasOneSource, secretRef } from '../../config/index.ts'

export const redisBackendOptions = z
  .strictObject({
    topology: z._default(z.enum(['standalone']), 'standalone').apply(described('How the endpoints belong together.')),
    endpoints: z
      .optional(z.array(address()).check(z.minLength(1)))
      .apply(described('Where the servers are, as `host:port` or `unix:/path`; tried in this order.')),
    embedded: embeddedServer('redis-server', '.portolan/redis'),
    tls: z.optional(clientTls()).apply(described('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.optional(z.string()).apply(described('The ACL user; without it only the password is sent.')),
          password: secretRef().check(
            z.describe('The password or token; read again for each new connection, or after `refresh`.'),
          ),
        }),
      )
      .apply(described('How Portolan authenticates to the backend; clients authenticate to the listener.')),
    connectTimeout: duration('2s').apply(
      described('Limit for name, connection and TLS together; and once more for the server to answer the handshake.'),
    ),
    requestTimeout: duration('30s').apply(
      described('Time for a reply; the client then gets an error, blocking commands excepted.'),
    ),
    holdTime: duration('0ms').apply(
      described('How long requests wait for a backend that is away before they get an error.'),
    ),
    exclusive: z
      .prefault(
        z.strictObject({
          max: z
            ._default(z.int().check(z.minimum(1)), 256)
            .apply(
              described('Exclusive connections at most: WATCH, MULTI in pieces, blocking commands, large values.'),
            ),
          spare: z
            ._default(z.int().check(z.minimum(0)), 2)
            .apply(described('Exclusive connections kept ready, for each RESP version in use.')),
          waitTimeout: duration('5s').apply(described('How long a client waits for an exclusive connection.')),
        }),
        { waitTimeout: '5s' },
      )
      .apply(described('Connections that serve one client at a time.')),
  })
  .check(hasOneSource)

export type RedisBackendOptions = z.output<typeof redisBackendOptions>
