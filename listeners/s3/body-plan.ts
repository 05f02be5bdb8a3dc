/** What the head of a request says of its body, before the first byte of it is there. */
import type { RequestHead } from '../../codecs/http1/index.ts'
import {
  type BodyChecksum,
  EMPTY_SHA256,
  type Operation,
  type PayloadKind,
  readBodyChecksum,
  readContentMd5,
  S3Error,
  valueIn,
  valuesIn,
  withoutAwsChunked,
} from '../../codecs/s3/index.ts'
import type { StoreBody } from '../../src/backends/s3/index.ts'
import type { Identity } from './door.ts'

export interface BodyPlan {
  /** It is read whole before it is passed on: XML, a policy and the like. */
  readonly isDocument: boolean
  /** How it is vouched for; all but `hash` and `unsigned` come in the chunks of S3. */
  readonly kind: PayloadKind
  /** Bytes of the payload; undefined when only its end will tell. */
  readonly length: number | undefined
  /** In hex, as signed; undefined when the body is not signed as a whole. */
  readonly sha256: string | undefined
  /** What its sender has made, in a header or, without a value, in the trailer. */
  readonly checksum: BodyChecksum | undefined
  /** Content-MD5, in base64. */
  readonly md5: string | undefined
  /** What of Content-Encoding is the object's own; empty for nothing. */
  readonly contentEncoding: string
  /** More may follow behind the announced length: its framing ends by itself. */
  readonly isOpenEnded: boolean
}

export interface BodyLimits {
  readonly maxDocumentBytes: number
}

const DECIMAL = /^\d{1,15}$/
/** 5 GiB: what S3 takes in one request. */
const MAX_OBJECT_BYTES = 5 * 1024 ** 3

/** Throws S3Error for what no body can be. */
export function planBody(
  operation: Operation,
  head: RequestHead,
  headers: readonly string[],
  { payload: kind, contentSha256, policy }: Identity,
  { maxDocumentBytes }: BodyLimits,
): BodyPlan {
  const isChunked = kind !== 'hash' && kind !== 'unsigned'
  const isDocument = operation.body !== 'object'
  const length = lengthOf(head, headers, isChunked)
  if (length === undefined && !isDocument) throw new S3Error('MissingContentLength')
  // A header that comes several times is one list.
  const encoding = valuesIn(headers, 'content-encoding').join(',')
  const contentEncoding = withoutAwsChunked(encoding)
  // Nobody would take the chunks off, and they would become the object.
  if (!isDocument && !isChunked && /(^|,)\s*aws-chunked\s*(,|$)/i.test(encoding))
    throw new S3Error('InvalidRequest', 'Content-Encoding aws-chunked needs an x-amz-content-sha256 of STREAMING-....')
  const most = isDocument ? maxDocumentBytes : Math.min(MAX_OBJECT_BYTES, policy.maxObjectBytes)
  if (length !== undefined && length > most)
    throw new S3Error('EntityTooLarge', undefined, { ProposedSize: String(length), MaxSizeAllowed: String(most) })
  return {
    isDocument,
    kind,
    length,
    sha256: kind === 'hash' ? contentSha256.toLowerCase() : undefined,
    // Those of a completed upload are the object's.
    checksum: operation.name === 'CompleteMultipartUpload' ? undefined : readBodyChecksum(headers),
    md5: readContentMd5(headers),
    contentEncoding,
    isOpenEnded: head.body === 'chunked',
  }
}

function lengthOf(head: RequestHead, headers: readonly string[], isChunked: boolean): number | undefined {
  const decoded = valueIn(headers, 'x-amz-decoded-content-length')
  if (decoded !== undefined && !DECIMAL.test(decoded))
    throw new S3Error('InvalidArgument', 'x-amz-decoded-content-length is no number.')
  if (isChunked) {
    if (decoded === undefined) throw new S3Error('MissingContentLength', 'x-amz-decoded-content-length is missing.')
    return Number(decoded)
  }
  if (head.body !== 'chunked') return head.length
  return decoded === undefined ? undefined : Number(decoded)
}

/** Nothing comes, and nothing was said of it but that. */
export function isNothing(plan: BodyPlan, { body, expectContinue }: RequestHead): boolean {
  const { kind, length, sha256, checksum, md5 } = plan
  if (length !== 0 || body === 'chunked' || expectContinue || checksum !== undefined || md5 !== undefined) return false
  return kind === 'unsigned' || (kind === 'hash' && sha256 === EMPTY_SHA256)
}

/** What a store is told of it; `bytes` when all of it is there. */
export function storeBodyOf({ kind, length, sha256, checksum }: BodyPlan, bytes: Buffer | undefined): StoreBody {
  return {
    length: bytes ? bytes.length : length,
    sha256,
    trailer: bytes || checksum?.value !== undefined ? undefined : checksum?.algorithm,
    vouched: checksum !== undefined || kind === 'signed-chunks' || kind === 'signed-chunks-trailer',
    bytes,
  }
}
