/** What a user may say about a TCP relay, besides its address and backend. */
import { z } from 'zod'
import { duration, serverTls } from '../../src/config/index.ts'
import { isCidr } from '../../src/net/index.ts'

export const tcpOptions = z
  .object({
    maxConnections: z.int().min(1).default(10_000).describe('Connections open at a time; further ones are closed.'),
    idleTimeout: duration('1h').describe('Time without a byte in either direction that ends a connection; 0: never.'),
    writeStallTimeout: duration('60s').describe(
      'Time after which a peer is cut off that takes nothing of what waits for it.',
    ),
    handshakeTimeout: duration('5s').describe(
      'Limit for the PROXY header and for the TLS handshake of the application.',
    ),
    tcpKeepAlive: duration('60s').describe(
      'Idle time after which the system tests whether the peer still lives; 0: never.',
    ),
    tls: serverTls().optional().describe('TLS towards the application. Without it connections are in the clear.'),
    proxyProtocol: z
      .strictObject({
        from: z
          .array(
            z.string().refine(isCidr, { error: 'must be an IP address, a CIDR block such as 10.0.0.0/8, or unix' }),
          )
          .min(1)
          .describe('Peers that send a PROXY header, v1 or v2, and are believed. All others are taken as they are.'),
      })
      .optional()
      .describe('For a listener behind another proxy: learns the true addresses from it.'),
  })
  .refine(({ tls, proxyProtocol }) => !tls || !proxyProtocol?.from.includes('unix'), {
    path: ['proxyProtocol', 'from'],
    error: 'must not contain unix when the listener has tls',
  })

export type TcpOptions = z.output<typeof tcpOptions>
