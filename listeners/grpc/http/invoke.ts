/** Requests for applications: `/v1.0/invoke/<app>/method/<path>`, or any path with the header `dapr-app-id`. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AppAnswer } from '../../../src/apis/index.ts'
import { forwarded } from '../forwarded.ts'
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

export function handOn(response: ServerResponse, { status, headers, body }: AppAnswer): void {
  response.writeHead(status, forwarded(headers))
  response.end(body)
}
