/** The schema of everything in a configuration that belongs to no protocol. */
import * as z from 'zod/mini'
import { address } from './address.ts'
import { described } from './described.ts'
import { secretRef } from './secret-ref.ts'
import { duration } from './units.ts'

/** Names become metric labels and parts of paths, so they stay plain. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

export const SECTIONS = {
  listeners: 'What the application connects to: a name of your choice for each.',
  backends: 'What stands behind: a name of your choice for each, usually in a file of its own.',
  components: 'Stores of the standardized APIs: the names that applications call them by.',
  requires: 'What the application needs, by the names that it uses: the start is refused where it is not there.',
  admin: 'The listener for metrics, health and reload.',
  log: 'What the log holds, and how it is written.',
  shutdown: 'How the process ends.',
} as const

export type SectionName = keyof typeof SECTIONS

const allowUnauthenticated = z._default(z.boolean(), false)

/** What every listener has, whatever its protocol. */
export const listenerCommon = z.strictObject({
  protocol: z.string().apply(described('What it speaks.')),
  address: address().check(
    z.describe('Where it listens: `host:port`, `[ipv6]:port` or `unix:/path`; port 0 takes a free one.'),
  ),
  backend: z
    .optional(z.string())
    .apply(described('The name of the backend that it forwards to, of the same protocol.')),
  allowUnauthenticated: allowUnauthenticated.check(
    z.describe('Lets it listen beyond this machine although it asks nobody for a password.'),
  ),
})

/** What every backend has, whatever its protocol. */
export const backendCommon = z.strictObject({
  protocol: z.string().apply(described('What it speaks.')),
})

/** What every component has, whatever its API. */
export const componentCommon = z.strictObject({
  api: z.string().apply(described('The API that it serves.')),
  type: z.string().apply(described('What it is built on.')),
  backend: z
    .optional(z.string())
    .apply(described('The name of the backend that it uses; for the types that work on a backend.')),
})

const featureIds = () => z._default(z.array(z.string()), [])

/** One entry of the application's manifest. */
export const requirement = z.strictObject({
  api: z.string().apply(described('The API or protocol that it is about.')),
  must: featureIds().apply(described('Features without which the application cannot work.')),
  prefer: featureIds().apply(described('Features that it makes use of where they are there.')),
})

export const admin = z.strictObject({
  address: z
    .prefault(
      z.union([z.literal(false), address()], { error: issue => (issue.input === true ? ADMIN_ADDRESS : undefined) }),
      '127.0.0.1:9901',
    )
    .apply(described('Where it listens; `false` switches it off.')),
  token: z
    .optional(secretRef())
    .apply(described('Bearer token that POST requests must show. Without one they are refused.')),
  allowedHosts: z
    ._default(z.array(z.string().check(z.minLength(1))), [])
    .apply(described('Further values of the Host header to answer to, beside its address and localhost.')),
  allowUnauthenticated: allowUnauthenticated.check(
    z.describe('Lets it listen beyond this machine, where anybody can read metrics and status.'),
  ),
})

const ADMIN_ADDRESS = 'must be host:port, [ipv6]:port, unix:/path or false'

export const log = z.strictObject({
  level: z
    ._default(z.enum(['debug', 'info', 'warn', 'error']), 'info')
    .apply(described('The least important level that is written.')),
  format: z
    ._default(z.enum(['json', 'text']), 'json')
    .apply(described('One JSON object per line, or text for people.')),
})

export const shutdown = z.strictObject({
  grace: duration('30s').apply(described('How long requests in flight may take to finish before they are cut off.')),
})
