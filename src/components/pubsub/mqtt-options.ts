/** The options of pub/sub by MQTT. */
import * as z from 'zod/mini'
import { address, clientTls, described, duration, secretRef } from '../../config/index.ts'

export const mqttOptions = () =>
  z.strictObject({
    endpoints: z
      .array(address())
      .check(z.minLength(1), z.maxLength(32))
      .apply(described('The brokers of one cluster as `host:port`; the next one is tried when one is lost.')),
    version: z
      ._default(z.enum(['auto', '5', '3.1.1']), 'auto')
      .apply(described('Of MQTT; `auto`: 5, or 3.1.1 where the broker refuses that, with fewer features then.')),
    tls: z.optional(clientTls()).apply(described('TLS towards the endpoints; `{}` for the defaults.')),
    credentials: z
      .optional(
        z.strictObject({
          username: z.string().check(z.minLength(1)).apply(described('The user of the broker.')),
          password: secretRef().check(z.describe('Its password; read again for each new connection.')),
        }),
      )
      .apply(described('How Portolan authenticates; left out: not at all.')),
    retryAfter: duration('1s').apply(described('When a message that was refused is delivered again.')),
    keepSession: duration('24h').apply(
      described('How long the broker keeps what comes for a group that nobody is subscribed to.'),
    ),
    holders: z
      ._default(z.string().check(z.regex(/^[^+#\0]{1,200}$/)), '$portolan/holders')
      .apply(
        described(
          'Under this topic the subscribers of a group say who of them receives; all must be allowed to use it.',
        ),
      ),
    keepAlive: duration('10s').apply(
      described('A connection is given up after two and a half times this time of silence; whole seconds.'),
    ),
    connectTimeout: duration('2s').apply(described('Limit for connecting to one endpoint, TLS included.')),
    requestTimeout: duration('5s').apply(described('Limit for each answer of the broker’s.')),
  })

export type MqttOptions = z.output<ReturnType<typeof mqttOptions>>
