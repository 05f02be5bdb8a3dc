/** The options of a MySQL backend: the cloud's side, all that changes when the application moves. */
import { z } from 'zod'
import { canCompress } from '../../../codecs/mysql/index.ts'
import { type Address, address, clientTls, duration, secretRef } from '../../config/index.ts'

const endpoint = z
  .union([
    address(),
    z.strictObject({
      address: address().describe('Where the server is.'),
      role: z
        .enum(['primary', 'replica'])
        .optional()
        .describe('With `primary-replica`: what it may be at most. Without it the server is asked.'),
    }),
  ])
  .transform((written): EndpointOptions => ('address' in written ? written : { address: written, role: undefined }))

/** One of several servers. */
export interface EndpointOptions {
  readonly address: Address
  readonly role?: 'primary' | 'replica' | undefined
}

export const mysqlBackendOptions = z
  .strictObject({
    topology: z
      .enum(['standalone', 'primary-replica'])
      .default('standalone')
      .describe(
        'How the endpoints belong together: alike, the first one that answers serves; or one that is written to, and replicas of it.',
      ),
    endpoints: z
      .array(endpoint)
      .min(1)
      .optional()
      .describe('Where the servers are, as `host:port`, `unix:/path` or a map; tried in this order.'),
    readFrom: z
      .enum(['primary', 'prefer-replica', 'replica'])
      .default('primary')
      .describe(
        'With `primary-replica`: where statements go that plainly only read, outside of transactions and in READ ONLY ones. `prefer-replica`: to the primary while no replica can serve.',
      ),
    maxReplicaLag: duration('10s').describe('A replica that is further behind is not read from.'),
    replicaWait: duration('1s').describe(
      'How long a read waits at a replica for what its client wrote before; then the primary answers. 0: no wait, reads may miss it.',
    ),
    checkInterval: duration('1s').describe(
      'With `primary-replica`: time between two looks at the role and the lag of each server.',
    ),
    holdTime: duration()
      .optional()
      .describe(
        'How long clients wait for a backend that is away, or for a new primary, before they get an error. Default 10s with `primary-replica`, else 0.',
      ),
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
    compression: z
      .enum(['none', 'zlib', 'zstd'])
      .default('none')
      .refine(algorithm => algorithm === 'none' || canCompress(algorithm), 'needs Node.js 22.15 or later')
      .describe(
        "Compression towards the endpoints, for links that are slow or paid by the byte. zstd is MySQL's alone.",
      ),
    connectTimeout: duration('5s').describe('Time to resolve, connect, do TLS and authenticate.'),
    pool: z
      .strictObject({
        max: z
          .int()
          .min(1)
          .default(100)
          .describe('Connections to the backend at most, of all users and to all endpoints together.'),
        waitTimeout: duration('10s').describe('How long a client waits for a connection before it gets an error.'),
        maxWaiting: z
          .int()
          .min(1)
          .default(10_000)
          .describe('Clients that wait for a connection at most; one more gets an error at once.'),
        idleTimeout: duration('5m').describe(
          "Idle connections are closed after so long, or before the server's wait_timeout.",
        ),
        maxLifetime: duration('30m').describe('Connections are replaced after so long, give or take a tenth.'),
        maxStatements: z
          .int()
          .min(1)
          .default(200)
          .describe(
            "Prepared statements kept on each connection; the least recently used one is closed. Fewer where the server's max_prepared_stmt_count demands it.",
          ),
      })
      .prefault({ waitTimeout: '10s', idleTimeout: '5m', maxLifetime: '30m' })
      .describe('The connections that clients share.'),
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
    if (issues.length > 0 || (value.endpoints !== undefined) !== Boolean(value.embedded)) return
    const message = value.embedded
      ? 'give either endpoints or embedded, not both'
      : 'needs endpoints, or embedded: true'
    issues.push({ code: 'custom', message, input: value, path: ['endpoints'] })
  })

export type MysqlBackendOptions = z.output<typeof mysqlBackendOptions>
