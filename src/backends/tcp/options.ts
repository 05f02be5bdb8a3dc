/** What a user may say about a backend that is reached through the TCP relay. */
import { z } from 'zod'
import { address, clientTls, duration } from '../../config/index.ts'

export const tcpBackendOptions = z.strictObject({
  endpoints: z
    .array(address())
    .min(1)
    .describe('Addresses of the service; a connection goes to the one with the fewest. Names are resolved each time.'),
  tls: clientTls().optional().describe('TLS towards the endpoints. Without it connections are in the clear.'),
  proxyProtocol: z
    .enum(['v1', 'v2'])
    .optional()
    .describe('Sends a PROXY header first, so that the service learns who the application is. It must expect one.'),
  connectTimeout: duration('2s').describe(
    'Limit for one endpoint: name, connection and TLS together. Then the next one is tried, three at most.',
  ),
  tcpKeepAlive: duration('60s').describe(
    'Idle time after which the system tests whether the peer still lives; 0: never.',
  ),
  healthCheck: z
    .strictObject({
      interval: duration('10s').describe('Time between two checks of an endpoint; 0 turns checks off.'),
      timeout: duration('2s').describe('Limit for one check.'),
      unhealthyAfter: z.int().min(1).default(3).describe('Failed checks in a row that take an endpoint out of use.'),
      healthyAfter: z.int().min(1).default(2).describe('Successful checks in a row that bring it back.'),
    })
    .prefault({ interval: '10s', timeout: '2s' })
    .describe('Checks each endpoint by connecting to it, TLS included.'),
})

export type TcpBackendOptions = z.output<typeof tcpBackendOptions>
