/** The options that every component on etcd has. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration, secretRef } from '../../../config/index.ts'

export function etcdOptions() {
  return {
    endpoints: z
      .array(address())
      .check(z.minLength(1), z.maxLength(32))
      .apply(described('The members of the cluster, as `host:port`; the next one is asked when one fails.')),
    tls: z.optional(clientTls()).apply(described('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().check(z.minLength(1)).apply(described('The etcd user.')),
          password: secretRef().check(z.describe('Its password; read again when a token has run out.')),
        }),
      )
      .apply(described('How Portolan authenticates to etcd.')),
    connectTimeout: duration('2s').apply(described('Limit for connecting to one endpoint, TLS included.')),
    requestTimeout: duration('5s').apply(described('Limit for one request, whichever endpoints it takes.')),
  }
}

export type EtcdOptions = z.output<z.ZodMiniObject<ReturnType<typeof etcdOptions>>>
