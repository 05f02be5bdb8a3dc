/** What the access log tells of a request that is over, from what of it has passed. */
import { headerOf } from '../../codecs/http1/index.ts'
import { headerIn, parseQuery, valueIn } from '../../codecs/s3/index.ts'
import type { LogEntry } from './access-log.ts'
import type { Exchange } from './exchange.ts'

export function logEntryOf(exchange: Exchange, now: number, turnAroundMs: number): LogEntry {
  const { request, answer, tls } = exchange
  const { head, identity } = request
  return {
    time: new Date(),
    bucket: request.bucket,
    key: request.key,
    remoteIp: request.remoteIp,
    requester: identity?.accessKey ?? '',
    requestId: request.id,
    operation: `REST.${head.method}.${request.operation.name}`,
    requestLine: `${head.method} ${head.target} HTTP/1.${head.minor}`,
    status: answer.status,
    errorCode: exchange.errorCode || exchange.backendErrorCode,
    bytesSent: answer.bytesSent,
    objectSize: objectSizeOf(exchange),
    totalMs: now - exchange.startedAt,
    turnAroundMs,
    referer: headerOf(head.headers, 'referer') ?? '',
    userAgent: headerOf(head.headers, 'user-agent') ?? '',
    versionId: versionIdOf(exchange),
    hostId: answer.backendRequestId,
    signatureVersion: identity && identity.authentication !== '' ? 'SigV4' : '',
    authentication: identity?.authentication ?? '',
    hostHeader: head.host ?? '',
    tlsVersion: tls?.version ?? '',
    cipherSuite: tls?.cipherSuite ?? '',
  }
}

/** Of the object or part that was read or written, whole whatever range of it was asked for; a copy does not say it. */
function objectSizeOf({
  request: { operation },
  answer: { status, response },
  payloadBytes,
}: Exchange): number | undefined {
  if (status < 200 || status >= 300) return undefined
  if (operation.body === 'object') return payloadBytes
  if (operation.name !== 'GetObject' && operation.name !== 'HeadObject') return undefined
  if (status !== 206) return response?.length
  const total = /\/(\d+)$/.exec(headerIn(response?.headers ?? [], 'content-range') ?? '')?.[1]
  return total === undefined ? undefined : Number(total)
}

/** The one that was asked for, or else the one that the answer is about. */
function versionIdOf({ request, answer: { response } }: Exchange): string {
  const { target } = request.head
  const mark = target.indexOf('?')
  const asked = mark < 0 ? undefined : valueIn(queryOf(target.slice(mark + 1)), 'versionId')
  return asked ?? headerIn(response?.headers ?? [], 'x-amz-version-id') ?? ''
}

/** Empty where it is none, for which the request was refused. */
function queryOf(text: string): readonly string[] {
  try {
    return parseQuery(text)
  } catch {
    return []
  }
}
