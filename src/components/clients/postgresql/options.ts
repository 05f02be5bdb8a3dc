/** The options that every component on PostgreSQL has. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration, secretRef } from '../../../config/index.ts'

const name = (preset: string) => z._default(z.string().check(z.regex(/^[a-z_][a-z0-9_]{0,47}$/)), preset)

/** `preset`: the table's name, or what the names of several begin with. */
export function postgresqlOptions(preset: string, meaning: string) {
  return {
    address: address().check(
      z.describe('The server that is written to, as `host:port` or the path of its unix socket.'),
    ),
    database: z._default(z.string().check(z.minLength(1)), 'postgres').apply(described('The database.')),
    credentials: z.strictObject({
      username: z.string().check(z.minLength(1)).apply(described('The role.')),
      password: z
        .optional(secretRef())
        .apply(described('Its password; read again for each connection. None for `trust` and `peer`.')),
    }),
    tls: z.optional(clientTls()).apply(described('TLS towards the server; `{}` for the defaults.')),
    schema: name('public').apply(described('The schema that the tables are in.')),
    table: name(preset).apply(described(meaning)),
    create: z
      ._default(z.boolean(), true)
      .apply(described('Creates what is missing, which takes the rights to. false: somebody else does.')),
    maxConnections: z
      ._default(z.int().check(z.minimum(1), z.maximum(100)), 5)
      .apply(described('Connections at a time.')),
    connectTimeout: duration('2s').apply(described('Limit for connecting, and for the wait for a connection.')),
    requestTimeout: duration('5s').apply(described('Limit for one statement.')),
  }
}

export type PostgresqlOptions = z.output<z.ZodMiniObject<ReturnType<typeof postgresqlOptions>>>
