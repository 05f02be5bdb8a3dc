/** The options of a grpc listener: the application's side, the same on every cloud. */
import * as z from 'zod/mini'
import { address, described, duration, secretRef, serverTls, size } from '../../src/config/index.ts'

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
  http: z
    .optional(address())
    .apply(described('Where Dapr’s HTTP API is served as well, such as 127.0.0.1:3500; without it nowhere.')),
  app: z
    .optional(
      z.strictObject({
        address: address().check(z.describe('Where the application listens for what Dapr would call it with.')),
        protocol: z._default(z.enum(['grpc', 'http']), 'grpc').apply(described('What it speaks there.')),
        token: z.optional(secretRef()).apply(described('What it is shown as `dapr-api-token` (Dapr’s APP_API_TOKEN).')),
        timeout: duration('60s').apply(described('How long it may take for a message; then it is delivered again.')),
        maxInFlight: z
          ._default(z.int().check(z.minimum(1)), 100)
          .apply(described('Messages of a subscription that it may have at a time.')),
      }),
    )
    .apply(described('The application’s own port: it is asked what it subscribes to, and handed the messages.')),
  lockKeys: z
    ._default(z.enum(['appid', 'name', 'none']), 'appid')
    .apply(
      described(
        'What stands before the names of locks taken through Dapr’s API: the application, the component, or nothing.',
      ),
    ),
  plugins: z
    ._default(
      z.array(
        z.strictObject({
          folder: z
            .string()
            .check(z.minLength(1))
            .apply(described('The folder with its plugin.yaml, from the working directory.')),
          implementation: z.string().apply(described('Which of its implementations serves here.')),
          options: z
            ._default(z.record(z.string(), z.unknown()), {})
            .apply(described('What the implementation is opened with, in the plug-in’s own words.')),
          secrets: z
            ._default(z.record(z.string(), secretRef()), {})
            .apply(described('Secrets that it is opened with, by the names that it knows them by.')),
          unproved: z
            ._default(z.boolean(), false)
            .apply(
              described('Load it although nothing proves that its products can be changed; it is then of level 2.'),
            ),
        }),
      ),
      [],
    )
    .apply(described('Services of your own, each a folder; see `portolan plugin verify`.')),
  maxConnections: z
    ._default(z.int().check(z.minimum(1)), 10_000)
    .apply(described('Connections open at a time; further ones are closed.')),
  maxMessage: size('4MiB').apply(described('The largest request.')),
  maxStreams: z
    ._default(z.int().check(z.minimum(1)), 10_000)
    .apply(described('Calls at a time on one connection, subscriptions among them.')),
  handshakeTimeout: duration('5s').apply(
    described('Limit for the TLS handshake of the application, and for its first words of HTTP/2.'),
  ),
})

export type GrpcListenerOptions = z.output<typeof grpcListenerOptions>
