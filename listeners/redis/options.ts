/** The options of a Redis listener: the application's side, the same on every cloud. */
import * as z from 'zod/mini'
import { described, duration, secretRef, serverTls, size } from '../../src/config/index.ts'
import { checkDenied, checkRules } from './rule-checks.ts'

const user = z.strictObject({
  name: z
    .string()
    .check(z.minLength(1), z.describe('The user name; `default` is the one that AUTH with only a password means.')),
  password: secretRef().check(z.describe('The password.')),
  rules: z
    .optional(z.array(z.string()).check(checkRules))
    .apply(
      described(
        'What the user may do, as ACL rules of Redis: `+@read`, `-flushall`, `~app:*`, `&news.*`. Applied in order to a user who may do nothing; without rules the user may do everything.',
      ),
    ),
})

export const redisListenerOptions = z.strictObject({
  users: z
    .prefault(z.array(user), [])
    .apply(described('Clients must authenticate as one of these; without users nobody needs to.')),
  tls: z.optional(serverTls()).apply(described('TLS towards clients.')),
  deny: z
    ._default(z.array(z.string()).check(checkDenied), [])
    .apply(described('Commands (`flushall`, `config|set`) and categories (`@dangerous`) that are refused.')),
  maxConnections: z
    ._default(z.int().check(z.minimum(1)), 10_000)
    .apply(described('Clients at most; one more is told so and closed.')),
  authenticationTimeout: duration('5s').apply(
    described('Time for a client to authenticate, where it must; for the TLS handshake too.'),
  ),
  idleTimeout: duration('0ms').apply(
    described(
      'Clients that neither send nor wait for anything for so long are closed, subscribers excepted; 0: never.',
    ),
  ),
  requestTimeout: duration('30s').apply(
    described('A client that stops for so long in the middle of a request is closed.'),
  ),
  writeTimeout: duration('60s').apply(
    described('A client that reads nothing for so long while replies wait is closed.'),
  ),
  slowClientGrace: duration('1s').apply(
    described('How long a client that takes not a byte may hold up others whose replies are behind its own.'),
  ),
  streamRequestsAbove: size('256KiB').apply(
    described('Larger requests pass in pieces on an exclusive connection instead of being gathered.'),
  ),
  outputHigh: size('1MiB').apply(described('Unsent replies of one client from which on its requests are not read.')),
  outputMax: size('8MiB').apply(described('Unsent replies of one client from which on its replies are not read.')),
  subscriberOutputSoft: size('8MiB').apply(
    described('Unsent messages of one subscriber that are tolerated for a minute.'),
  ),
  subscriberOutputHard: size('32MiB').apply(described('Unsent messages of one subscriber at which it is closed.')),
  slowLog: duration('10ms').apply(
    described('Requests that take longer are counted, and ten a second logged, blocking commands too; 0: none.'),
  ),
})

export type RedisListenerOptions = z.output<typeof redisListenerOptions>
