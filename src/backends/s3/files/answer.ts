/** What an operation answers. */
import { type S3Error, XmlWriter } from '../../../../codecs/s3/index.ts'
import type { Content } from './content.ts'

/** Bytes of an object: `end` is not part of it. Who sends them closes the content. */
export interface Stretch {
  readonly content: Content
  readonly start: number
  readonly end: number
}

export interface Answer {
  readonly status: number
  /** Name, value, name, value ... */
  readonly headers: readonly string[]
  readonly body?: Buffer | Stretch
  /** Of a body that is not sent, to HEAD. */
  readonly length?: number
  /** S3's code, where it tells an error. */
  readonly errorCode?: string
}

export function emptyAnswer(status: number, headers: readonly string[] = []): Answer {
  return { status, headers }
}

export function xmlAnswer(document: XmlWriter, headers: readonly string[] = []): Answer {
  return { status: 200, headers: ['content-type', 'application/xml', ...headers], body: document.finish() }
}

/** The document that says what was not done and why. */
export function errorAnswer(error: S3Error, resource: string, requestId: string): Answer {
  const document = new XmlWriter('Error', '').leaf('Code', error.code).leaf('Message', error.message)
  for (const [name, value] of Object.entries(error.fields)) document.leaf(name, value)
  document.leaf('Resource', resource).leaf('RequestId', requestId)
  const headers = ['content-type', 'application/xml']
  const size = error.code === 'InvalidRange' ? error.fields['ActualObjectSize'] : undefined
  if (size !== undefined) headers.push('content-range', `bytes */${size}`)
  return { status: error.status, headers, body: document.finish(), errorCode: error.code }
}

/** As ETag and XML have it. */
export function quoted(etag: string): string {
  return `"${etag}"`
}

/** A time in documents, which have no fractions of a second. */
export function xmlTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.000Z`
}
