/** The options that every component on ZooKeeper has. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration, secretRef } from '../../../config/index.ts'

export function zookeeperOptions() {
  return {
    endpoints: z
      .array(address())
      .check(z.minLength(1), z.maxLength(32))
      .apply(
        described('The servers of the ensemble, 3.6 or later, as `host:port`; the next one is tried when one is lost.'),
      ),
    tls: z.optional(clientTls()).apply(described('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().check(z.minLength(1)).apply(described('The user of the `digest` scheme.')),
          password: secretRef().check(z.describe('Its password; read again for each new connection.')),
        }),
      )
      .apply(described('How Portolan authenticates. Nodes that it makes are then for this user only.')),
    sessionTimeout: duration('10s').apply(
      described('After this time of silence a server is given up, and it gives up the session.'),
    ),
    connectTimeout: duration('2s').apply(described('Limit for connecting to one endpoint, TLS and session included.')),
    requestTimeout: duration('5s').apply(described('Limit for the answer to a request.')),
  }
}

/** The node below which a component keeps everything. */
export function nodePrefix(preset: string, below: string) {
  return nodePath(preset).apply(described(`The node below which ${below} stand; made when it is missing.`))
}

export function nodePath(preset: string) {
  return z._default(z.string().check(z.regex(/^(\/[^/\u0000]+)+$/, 'must be the path of a node, such as /a/b')), preset)
}

export type ZooKeeperOptions = z.output<z.ZodMiniObject<ReturnType<typeof zookeeperOptions>>>
