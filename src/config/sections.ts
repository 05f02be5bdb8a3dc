/** The schema of everything in a configuration that belongs to no protocol. */
import { z } from 'zod'
import { address } from './address.ts'
import { secretRef } from './secret-ref.ts'
import { duration } from './units.ts'

/** Names become metric labels and parts of paths, so they stay plain. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

export const SECTIONS = {
  listeners: 'What the application connects to: a name of your choice for each.',
  backends: 'What stands behind: a name of your choice for each, usually in a file of its own.',
  admin: 'The listener for metrics, health and reload.',
  log: 'What the log holds, and how it is written.',
  shutdown: 'How the process ends.',
} as const

export type SectionName = keyof typeof SECTIONS

const allowUnauthenticated = z.boolean().default(false)

/** What every listener has, whatever its protocol. */
export const listenerCommon = z.strictObject({
  protocol: z.string().describe('What it speaks.'),
  address: address().describe('Where it listens: `host:port`, `[ipv6]:port` or `unix:/path`; port 0 takes a free one.'),
  backend: z.string().optional().describe('The name of the backend that it forwards to, of the same protocol.'),
  allowUnauthenticated: allowUnauthenticated.describe(
    'Lets it listen beyond this machine although it asks nobody for a password.',
  ),
})

/** What every backend has, whatever its protocol. */
export const backendCommon = z.strictObject({
  protocol: z.string().describe('What it speaks.'),
})

export const admin = z.strictObject({
  address: z
    .union([z.literal(false), address()], { error: issue => (issue.input === true ? ADMIN_ADDRESS : undefined) })
    .prefault('127.0.0.1:9901')
    .describe('Where it listens; `false` switches it off.'),
  token: secretRef().optional().describe('Bearer token that POST requests must show. Without one they are refused.'),
  allowedHosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Further values of the Host header to answer to, beside its address and localhost.'),
  allowUnauthenticated: allowUnauthenticated.describe(
    'Lets it listen beyond this machine, where anybody can read metrics and status.',
  ),
})

const ADMIN_ADDRESS = 'must be host:port, [ipv6]:port, unix:/path or false'

export const log = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('The least important level that is written.'),
  format: z.enum(['json', 'text']).default('json').describe('One JSON object per line, or text for people.'),
})

export const shutdown = z.strictObject({
  grace: duration('30s').describe('How long requests in flight may take to finish before they are cut off.'),
})
