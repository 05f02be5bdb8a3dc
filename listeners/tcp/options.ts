/** What a user may say about a TCP relay, besides its address and backend. */
import * as z from 'zod/mini'
import { described, duration, serverTls } from '../../src/config/index.ts'
import { isCidr } from '../../src/net/index.ts'

export const tcpOptions = z
  .object({
    maxConnections: z
      ._default(z.int().check(z.minimum(1)), 10_000)
      .apply(described('Connections open at a time; further ones are closed.')),
    idleTimeout: duration('1h').apply(
      described('Time without a byte in either direction that ends a connection; 0: never.'),
    ),
    writeStallTimeout: duration('60s').apply(
      described('Time after which a peer is cut off that takes nothing of what waits for it.'),
    ),
    handshakeTimeout: duration('5s').apply(
      described('Limit for the PROXY header and for the TLS handshake of the application.'),
    ),
    tcpKeepAlive: duration('60s').apply(
      described('Idle time after which the system tests whether the peer still lives; 0: never.'),
    ),
    tls: z
      .optional(serverTls())
      .apply(described('TLS towards the application. Without it connections are in the clear.')),
    proxyProtocol: z
      .optional(
        z.strictObject({
          from: z
            .array(
              z
                .string()
                .check(z.refine(isCidr, { error: 'must be an IP address, a CIDR block such as 10.0.0.0/8, or unix' })),
            )
            .check(
              z.minLength(1),
              z.describe(
                'Peers that send a PROXY header, v1 or v2, and are believed. All others are taken as they are.',
              ),
            ),
        }),
      )
      .apply(described('For a listener behind another proxy: learns the true addresses from it.')),
  })
  .check(
    z.refine(({ tls, proxyProtocol }) => !tls || !proxyProtocol?.from.includes('unix'), {
      path: ['proxyProtocol', 'from'],
      error: 'must not contain unix when the listener has tls',
    }),
  )

export type TcpOptions = z.output<typeof tcpOptions>
