/** The options of a MySQL backend: the cloud's side, all that changes when the application moves. */
import * as z from 'zod/mini'
import { canCompress } from '../../../codecs/mysql/index.ts'
import {
  type Address,
  address,
  clientTls,
  described,
  duration,
  embeddedServer,
  hasOneSource,
  secretRef,
} from '../../config/index.ts'

const endpoint = z.pipe(
  z.union([
    address(),
    z.strictObject({
      address: address().check(z.describe('Where the server is.')),
      role: z
        .optional(z.enum(['primary', 'replica']))
        .apply(described('With `primary-replica`: what it may be at most. Without it the server is asked.')),
    }),
  ]),
  z.transform((written): EndpointOptions => ('address' in written ? written : { address: written, role: undefined })),
)

/** One of several servers. */
export interface EndpointOptions {
  readonly address: Address
  readonly role?: 'primary' | 'replica' | undefined
}

export const mysqlBackendOptions = z
  .strictObject({
    topology: z
      ._default(z.enum(['standalone', 'primary-replica']), 'standalone')
      .apply(
        described(
          'How the endpoints belong together: alike, the first one that answers serves; or one that is written to, and replicas of it.',
        ),
      ),
    endpoints: z
      .optional(z.array(endpoint).check(z.minLength(1)))
      .apply(described('Where the servers are, as `host:port`, `unix:/path` or a map; tried in this order.')),
    readFrom: z
      ._default(z.enum(['primary', 'prefer-replica', 'replica']), 'primary')
      .apply(
        described(
          'With `primary-replica`: where statements go that plainly only read, outside of transactions and in READ ONLY ones. `prefer-replica`: to the primary while no replica can serve.',
        ),
      ),
    maxReplicaLag: duration('10s').apply(described('A replica that is further behind is not read from.')),
    replicaWait: duration('1s').apply(
      described(
        'How long a read waits at a replica for what its client wrote before; then the primary answers. 0: no wait, reads may miss it.',
      ),
    ),
    checkInterval: duration('1s').apply(
      described('With `primary-replica`: time between two looks at the role and the lag of each server.'),
    ),
    holdTime: z
      .optional(duration())
      .apply(
        described(
          'How long clients wait for a backend that is away, or for a new primary, before they get an error. Default 10s with `primary-replica`, else 0.',
        ),
      ),
    embedded: embeddedServer('mariadbd', '.portolan/mysql'),
    tls: z.optional(clientTls()).apply(described('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().apply(described('The account at the backend.')),
          password: z
            .optional(secretRef())
            .apply(described('Its password or token; read again for each new connection.')),
        }),
      )
      .apply(
        described(
          'How Portolan authenticates to the backend. Without it each client is logged in with the name and password that it has at the listener.',
        ),
      ),
    compression: z._default(z.enum(['none', 'zlib', 'zstd']), 'none').check(
      z.refine(algorithm => algorithm === 'none' || canCompress(algorithm), 'needs Node.js 22.15 or later'),
      z.describe(
        "Compression towards the endpoints, for links that are slow or paid by the byte. zstd is MySQL's alone.",
      ),
    ),
    connectTimeout: duration('5s').apply(described('Time to resolve, connect, do TLS and authenticate.')),
    pool: z
      .prefault(
        z.strictObject({
          max: z
            ._default(z.int().check(z.minimum(1)), 100)
            .apply(described('Connections to the backend at most, of all users and to all endpoints together.')),
          waitTimeout: duration('10s').apply(
            described('How long a client waits for a connection before it gets an error.'),
          ),
          maxWaiting: z
            ._default(z.int().check(z.minimum(1)), 10_000)
            .apply(described('Clients that wait for a connection at most; one more gets an error at once.')),
          idleTimeout: duration('5m').apply(
            described("Idle connections are closed after so long, or before the server's wait_timeout."),
          ),
          maxLifetime: duration('30m').apply(
            described('Connections are replaced after so long, give or take a tenth.'),
          ),
          maxStatements: z
            ._default(z.int().check(z.minimum(1)), 200)
            .apply(
              described(
                "Prepared statements kept on each connection; the least recently used one is closed. Fewer where the server's max_prepared_stmt_count demands it.",
              ),
            ),
        }),
        { waitTimeout: '10s', idleTimeout: '5m', maxLifetime: '30m' },
      )
      .apply(described('The connections that clients share.')),
  })
  .check(({ value, issues }) => {
    if (value.embedded && value.credentials) {
      const message = 'an embedded server has an account of its own: leave credentials out'
      issues.push({ code: 'custom', message, input: value, path: ['credentials'] })
    }
    if (value.topology === 'primary-replica' && !value.credentials && !value.embedded) {
      const message = 'primary-replica needs credentials: the servers are asked who they are'
      issues.push({ code: 'custom', message, input: value, path: ['topology'] })
    }
  }, hasOneSource)

export type MysqlBackendOptions = z.output<typeof mysqlBackendOptions>
