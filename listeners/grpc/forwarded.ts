/** The header fields of a request over HTTP that go on to an application, or come back from one. */
import type { IncomingHttpHeaders } from 'node:http'

/** What concerns one connection alone, or is our own. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'dapr-api-token',
  'dapr-app-id',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export function forwarded(headers: IncomingHttpHeaders): Record<string, string> {
  const listed = (headers.connection ?? '').toLowerCase().split(/[\s,]+/)
  const kept = Object.entries(headers).filter(([name]) => !OWN_FIELDS.has(name) && !listed.includes(name))
  return Object.fromEntries(kept.map(([name, value]) => [name, [value].flat().join(', ')]))
}
