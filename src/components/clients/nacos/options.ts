/** How Nacos is reached. */
import * as z from 'zod/mini'
import { clientTls, described, duration, secretRef } from '../../../config/index.ts'
import { serverUrl } from '../http/index.ts'

export const nacosOptions = () =>
  z.strictObject({
    address: serverUrl().apply(described('Where Nacos is, such as `http://nacos:8848/nacos`.')),
    namespace: z._default(z.string(), '').apply(described('The id of the namespace; empty for the public one.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().check(z.minLength(1)).apply(described('The user of Nacos.')),
          password: secretRef().check(z.describe('Its password; read for each login.')),
        }),
      )
      .apply(described('How Portolan authenticates to Nacos.')),
    listEvery: duration('5s').apply(
      described('How often new keys are looked for, for subscribers of a prefix; Nacos tells of known ones only.'),
    ),
    tls: z.optional(clientTls()).apply(described('TLS of an https address; without it the usual authorities count.')),
    requestTimeout: duration('5s').apply(described('Limit for one request.')),
  })

export type NacosOptions = z.output<ReturnType<typeof nacosOptions>>
