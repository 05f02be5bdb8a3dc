/**
 * CloudEvents 1.0 in JSON as Dapr puts them around what is published, and takes them off again. Whatever was published
 * comes out as the same bytes: JSON as `data`, other text as a string, everything else as `data_base64`.
 */
import { randomUUID } from 'node:crypto'
import { ApiError } from '../apis/index.ts'

export const CLOUD_EVENT_TYPE = 'application/cloudevents+json'

export interface Event {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly specVersion: string
  readonly dataContentType: string
  readonly data: Buffer
  /** Attributes beside those above. */
  readonly extensions: Readonly<Record<string, unknown>>
}

export interface Envelope {
  readonly source: string
  readonly topic: string
  readonly pubsubName: string
  readonly traceparent?: string
  readonly tracestate?: string
  /** After which nobody wants it any more. */
  readonly ttlMs?: number
  /** Attributes that the publisher sets itself: `id`, `source`, `type` ... */
  readonly attributes?: Readonly<Record<string, string>>
}

const DEFAULT_TYPE = 'com.dapr.event.sent'

/** The bytes of an event around the data. Throws `invalid-argument` when what claims to be an event, or JSON, is not. */
export function wrap(data: Buffer, contentType: string, envelope: Envelope): Buffer {
  const { topic, pubsubName, traceparent = '', tracestate = '', ttlMs, source, attributes = {} } = envelope
  const common = {
    topic,
    pubsubname: pubsubName,
    traceid: traceparent,
    traceparent,
    tracestate,
    ...(ttlMs === undefined ? {} : { expiration: new Date(Date.now() + ttlMs).toISOString() }),
  }
  if (isType(contentType, CLOUD_EVENT_TYPE)) {
    const given = parse(data)
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new ApiError('invalid-argument', 'the data is no CloudEvent: not a JSON object')
    const preset = { id: randomUUID(), source, specversion: '1.0', type: DEFAULT_TYPE }
    return Buffer.from(JSON.stringify({ ...preset, ...given, ...common, ...attributes }))
  }
  // Dapr writes attributes by the alphabet, and there are clients that take the first one for the data.
  const event = {
    ...dataOf(data, contentType),
    datacontenttype: contentType || 'text/plain',
    id: randomUUID(),
    source,
    specversion: '1.0',
    type: DEFAULT_TYPE,
    ...common,
    ...attributes,
  }
  return Buffer.from(JSON.stringify(event))
}

/** What is in an event; undefined when its time is over. Bytes that are no event are an event's data. */
export function unwrap(bytes: Buffer, contentType: string, raw: boolean, source: string): Event | undefined {
  const event = raw ? undefined : tryParse(bytes)
  if (!isEvent(event)) {
    const type = contentType || 'application/octet-stream'
    return {
      id: randomUUID(),
      source,
      type: DEFAULT_TYPE,
      specVersion: '1.0',
      dataContentType: type,
      data: bytes,
      extensions: {},
    }
  }
  const { id, source: from, type, specversion, datacontenttype, data, data_base64, expiration, ...extensions } = event
  if (typeof expiration === 'string' && Date.parse(expiration) <= Date.now()) return undefined
  return {
    id: String(id ?? ''),
    source: String(from ?? ''),
    type: String(type ?? ''),
    specVersion: String(specversion),
    dataContentType: String(datacontenttype ?? 'application/json'),
    data: bytesOf(data, data_base64),
    extensions,
  }
}

function dataOf(data: Buffer, contentType: string): Readonly<Record<string, unknown>> {
  if (isJson(contentType)) return { data: parse(data) }
  if (isBinary(contentType, data)) return { data_base64: data.toString('base64') }
  return { data: data.toString() }
}

function bytesOf(data: unknown, base64: unknown): Buffer {
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  if (data === undefined) return Buffer.alloc(0)
  return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data))
}

function isEvent(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)['specversion'] === 'string'
  )
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString())
  } catch (error) {
    throw new ApiError(
      'invalid-argument',
      `the data is not JSON, as its content type says: ${(error as Error).message}`,
    )
  }
}

function tryParse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

function isType(contentType: string, type: string): boolean {
  return contentType.split(';')[0]!.trim().toLowerCase() === type
}

function isJson(contentType: string): boolean {
  const type = contentType.split(';')[0]!.trim().toLowerCase()
  return type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'))
}

/** Text that is not valid UTF-8 would not come out as it went in. */
function isBinary(contentType: string, data: Buffer): boolean {
  const type = contentType.split(';')[0]!.trim().toLowerCase()
  if (type === 'application/octet-stream') return true
  return !data.equals(Buffer.from(data.toString()))
}
