/** The schema of a place to bind or to dial: `host:port`, `[::1]:6379` or `unix:/path`. */
import * as z from 'zod/mini'
import type { Address } from './types.ts'

const ADDRESS = /^(unix:.+|(\[[0-9A-Fa-f:.]+(%[^\]]+)?\]|[^\s:[\]/]+):\d{1,5})$/
const EXPECTED = 'must be host:port, [ipv6]:port or unix:/path'

const schema = build()

/** An address; port 0 asks the operating system for a free one. */
export function address() {
  return schema
}

function build() {
  const error = (issue: { readonly input?: unknown }) => {
    const { input } = issue
    if (input === undefined) return undefined
    if (typeof input === 'number') return `${EXPECTED}; a port alone does not say where, write 127.0.0.1:${input}`
    if (typeof input !== 'string') return EXPECTED
    if (/^:\d+$/.test(input)) return `${EXPECTED}; write 127.0.0.1${input}, or 0.0.0.0${input} for all interfaces`
    if (input.startsWith('/')) return `${EXPECTED}; write unix:${input} for a socket`
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(input)) return `${EXPECTED}; it is not a URL`
    return /:.*:/.test(input) ? `${EXPECTED}; an IPv6 address goes in brackets` : EXPECTED
  }
  return z.pipe(
    z.string({ error }).check(z.regex(ADDRESS, { error }), z.meta({ title: 'address' })),
    z.transform((text, context): Address => {
      if (text.startsWith('unix:')) return { path: text.slice('unix:'.length) }
      const colon = text.lastIndexOf(':')
      const host = text.slice(0, colon).replace(/^\[|\]$/g, '')
      const port = Number(text.slice(colon + 1))
      if (port <= 65_535) return { host, port }
      context.issues.push({ code: 'custom', message: 'has a port above 65535', input: text })
      return z.NEVER
    }),
  )
}

/** True for addresses that nothing outside this machine can reach: a unix socket, localhost, 127.0.0.0/8 and ::1. */
export function isLocal(address: Address): boolean {
  if ('path' in address) return true
  return address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host)
}

/** Whether both cannot be bound at once: equal, or one of them covers all interfaces. */
export function collide(a: Address, b: Address): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path
  return a.port !== 0 && a.port === b.port && (a.host === b.host || isWildcard(a.host) || isWildcard(b.host))
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
