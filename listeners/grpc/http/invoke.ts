/** Requests for applications: `/v1.0/invoke/<app>/method/<path>`, or any path with the header `dapr-app-id`. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AppAnswer } from '../../../src/apis/index.ts'
import { BadRequest } from './routes.ts'

export interface AppTarget {
  readonly app: string
  /** With its query, from the slash on, encoded as it came. */
  readonly path: string
}

const INVOKE = /^\/v1\.0\/invoke\/([^/?]+)\/method(\/[^?]*)?(\?.*)?$/

/** Undefined for what is no call of an application. */
export function targetOf({ url = '', headers }: IncomingMessage): AppTarget | undefined {
  const [, app, path = '/', query = ''] = INVOKE.exec(url) ?? []
  if (app !== undefined) return { app: decoded(app), path: `${path}${query}` }
  const named = headers['dapr-app-id']
  return typeof named === 'string' && !url.startsWith('/v1.0') ? { app: named, path: url } : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadRequest('the path is not valid UTF-8')
  }
}

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

export function handOn(response: ServerResponse, { status, headers, body }: AppAnswer): void {
  response.writeHead(status, forwarded(headers))
  response.end(body)
}
