/** What of a request's headers is kept with the object, and how it comes back. */
import { S3Error, valueIn } from '../../../../codecs/s3/index.ts'
import type { StoreRequest } from '../store.ts'

const CONTENT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
] as const
const META = 'x-amz-meta-'
const MAX_METADATA_BYTES = 2 * 1024
const DEFAULT_TYPE = 'binary/octet-stream'

/** ACLs that say no more than that the owner has the object. */
const PLAIN_ACLS = ['private', 'bucket-owner-full-control', 'bucket-owner-read']

/** Headers that ask for more than this store can do; none of them is silently ignored. */
const LACKING: readonly (readonly [prefix: string, what: string])[] = [
  ['x-amz-server-side-encryption', 'encryption'],
  ['x-amz-copy-source-server-side-encryption', 'encryption'],
  ['x-amz-object-lock-', 'object lock'],
  ['x-amz-bucket-object-lock-', 'object lock'],
  ['x-amz-website-redirect-location', 'websites'],
  ['x-amz-write-offset-bytes', 'appending'],
  ['x-amz-mfa', 'versioning'],
]

/** Content headers and user metadata, as they are to be kept. */
export function storedHeaders(headers: readonly string[]): string[] {
  const stored: string[] = []
  let metadata = 0
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    if (name.startsWith(META)) metadata += name.length - META.length + value.length
    else if (!CONTENT.includes(name as (typeof CONTENT)[number])) continue
    stored.push(name, value)
  }
  if (metadata > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', undefined, {
      Size: String(metadata),
      MaxSizeAllowed: String(MAX_METADATA_BYTES),
    })
  }
  if (valueIn(stored, 'content-type') === undefined) stored.push('content-type', DEFAULT_TYPE)
  return stored
}

/** Refuses what is asked for beside the operation itself and not to be had. */
export function refuseLacking(headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const value = headers[i + 1]!
    const lacking = LACKING.find(([prefix]) => name.startsWith(prefix))
    if (lacking && !(name === 'x-amz-bucket-object-lock-enabled' && value.toLowerCase() === 'false')) {
      const message = `The embedded store has no ${lacking[1]}.`
      throw new S3Error('NotImplemented', message, { Header: name })
    }
    if (name === 'x-amz-storage-class' && value !== 'STANDARD') throw new S3Error('InvalidStorageClass')
    if ((name === 'x-amz-acl' && !PLAIN_ACLS.includes(value)) || name.startsWith('x-amz-grant-')) {
      throw new S3Error('AccessControlListNotSupported')
    }
  }
}

/** The kept headers, with those replaced that the query says otherwise. */
export function answeredHeaders(stored: readonly string[], { query }: StoreRequest): string[] {
  const headers = [...stored]
  for (const name of CONTENT) {
    const value = valueIn(query, `response-${name}`)
    if (value === undefined) continue
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) {
      throw new S3Error('InvalidArgument', undefined, { ArgumentName: `response-${name}`, ArgumentValue: value })
    }
    const text = Buffer.from(value).toString('latin1')
    const at = headers.findIndex((known, i) => i % 2 === 0 && known === name)
    if (at === -1) headers.push(name, text)
    else headers[at + 1] = text
  }
  return headers
}
