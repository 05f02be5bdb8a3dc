/** The options that every component on NATS has. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration, secretRef } from '../../../config/index.ts'

export function natsOptions() {
  return {
    servers: z
      .array(address())
      .check(z.minLength(1), z.maxLength(32))
      .apply(described('The servers of the cluster, as `host:port`; JetStream has to be on.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().check(z.minLength(1)).apply(described('The NATS user.')),
          password: secretRef().check(z.describe('Its password; read again for each connection.')),
        }),
      )
      .apply(described('How Portolan authenticates to NATS.')),
    tls: z.optional(clientTls()).apply(described('TLS towards the servers; `{}` for the defaults.')),
    replicas: z
      ._default(z.int().check(z.minimum(1), z.maximum(5)), 1)
      .apply(described('On how many servers of the cluster a bucket or a stream that does not exist yet is kept.')),
    connectTimeout: duration('2s').apply(described('Limit for connecting.')),
    requestTimeout: duration('5s').apply(described('Limit for one request.')),
  }
}

export type NatsOptions = z.output<z.ZodMiniObject<ReturnType<typeof natsOptions>>>
