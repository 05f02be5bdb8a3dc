/** Who may ask: the Host header against DNS rebinding, and a bearer token for what changes anything. */
import type { IncomingMessage } from 'node:http'
import type { Address } from '../config/index.ts'
import { withoutMapping } from '../net/index.ts'
import { sameSecret } from '../same-secret.ts'

/**
 * True when the Host header names this machine as the request could have reached it, or an allowed host. A web page
 * that makes its own name resolve to 127.0.0.1 still sends its own name here.
 */
export function isHostAllowed(request: IncomingMessage, bound: Address, allowed: readonly string[]): boolean {
  if ('path' in bound) return true
  const host = hostName(request.headers.host)
  if (host === undefined) return false
  if (host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return true
  if (host === bound.host || host === withoutMapping(request.socket.localAddress ?? '')) return true
  return allowed.some(each => each.toLowerCase() === host)
}

/** The name in a Host header in lower case, without port and brackets; undefined when it is none. */
function hostName(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:/?#@[\]\s]+))(?::\d+)?$/i.exec(header ?? '')
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

/** Whether the header bears that token. */
export function isBearer(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1] ?? ''
  return sameSecret(given, token)
}
