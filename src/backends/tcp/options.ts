/** What a user may say about a backend that is reached through the TCP relay. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration } from '../../config/index.ts'

export const tcpBackendOptions = z.strictObject({
  endpoints: z
    .array(address())
    .check(
      z.minLength(1),
      z.describe(
        'Addresses of the service; a connection goes to the one with the fewest. Names are resolved each time.',
      ),
    ),
  tls: z.optional(clientTls()).apply(described('TLS towards the endpoints. Without it connections are in the clear.')),
  proxyProtocol: z
    .optional(z.enum(['v1', 'v2']))
    .apply(
      described('Sends a PROXY header first, so that the service learns who the application is. It must expect one.'),
    ),
  connectTimeout: duration('2s').apply(
    described('Limit for one endpoint: name, connection and TLS together. Then the next one is tried, three at most.'),
  ),
  tcpKeepAlive: duration('60s').apply(
    described('Idle time after which the system tests whether the peer still lives; 0: never.'),
  ),
  healthCheck: z
    .prefault(
      z.strictObject({
        interval: duration('10s').apply(described('Time between two checks of an endpoint; 0 turns checks off.')),
        timeout: duration('2s').apply(described('Limit for one check.')),
        unhealthyAfter: z
          ._default(z.int().check(z.minimum(1)), 3)
          .apply(described('Failed checks in a row that take an endpoint out of use.')),
        healthyAfter: z
          ._default(z.int().check(z.minimum(1)), 2)
          .apply(described('Successful checks in a row that bring it back.')),
      }),
      { interval: '10s', timeout: '2s' },
    )
    .apply(described('Checks each endpoint by connecting to it, TLS included.')),
})

export type TcpBackendOptions = z.output<typeof tcpBackendOptions>
