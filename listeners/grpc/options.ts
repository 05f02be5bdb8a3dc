/** The options of a grpc listener: the application's side, the same on every cloud. */
import * as z from 'zod/mini'
import { described, duration, secretRef, serverTls, size } from '../../src/config/index.ts'

export const grpcListenerOptions = z.strictObject({
  appId: z
    ._default(z.string().check(z.minLength(1)), 'app')
    .apply(
      described(
        'The name of the application: part of the keys of its locks, the group of its subscriptions, as with Dapr.',
      ),
    ),
  token: z
    .optional(secretRef())
    .apply(described('What callers must show as `dapr-api-token`. Without it anybody who can connect may call.')),
  tls: z
    .optional(serverTls())
    .apply(described('TLS towards the application; `{ generate: true }` for a certificate of its own.')),
  lockKeys: z
    ._default(z.enum(['appid', 'name', 'none']), 'appid')
    .apply(
      described(
        'What stands before the names of locks taken through Dapr’s API: the application, the component, or nothing.',
      ),
    ),
  maxConnections: z
    ._default(z.int().check(z.minimum(1)), 10_000)
    .apply(described('Connections open at a time; further ones are closed.')),
  maxMessage: size('4MiB').apply(described('The largest request.')),
  maxStreams: z
    ._default(z.int().check(z.minimum(1)), 10_000)
    .apply(described('Calls at a time on one connection, subscriptions among them.')),
  handshakeTimeout: duration('5s').apply(described('Limit for the TLS handshake of the application.')),
})

export type GrpcListenerOptions = z.output<typeof grpcListenerOptions>
