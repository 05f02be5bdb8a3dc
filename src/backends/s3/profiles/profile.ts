/** What is known of one kind of S3 service: dated facts, by which requests are adapted to it. */
import type { ChecksumAlgorithm } from '../../../../codecs/s3/index.ts'

export interface Profile {
  readonly name: string
  /** For people. */
  readonly title: string
  /** When the facts were gathered, as `YYYY-MM`, and where from. */
  readonly asOf: string
  readonly sources: readonly string[]
  /** What goes without saying for buckets: in the path, or in the host name. */
  readonly addressing: 'path' | 'virtual-host'
  /** The region that signatures name when the configuration says none. */
  readonly region: string
  /** A bucket is only made by naming the region, unless that is us-east-1. */
  readonly demandsLocation: boolean
  /** Checksums that it takes in headers, compares and keeps. */
  readonly checksums: readonly ChecksumAlgorithm[]
  /** It takes bodies framed as STREAMING-UNSIGNED-PAYLOAD-TRAILER. */
  readonly trailers: boolean
  /** It takes bodies framed as STREAMING-AWS4-HMAC-SHA256-PAYLOAD. */
  readonly signedChunks: boolean
  /** The digest that it wants of documents such as the one of DeleteObjects. */
  readonly documentDigest: 'content-md5' | 'crc32' | 'sha256'
  /** `<ChecksumCRC32>` and the like in the document that completes a multipart upload. */
  readonly checksumElements: boolean
  /** How `If-None-Match: *` on a write is said: as such, by a header of its own, or not at all. */
  readonly createOnly: 'native' | 'unsupported' | readonly [header: string, value: string]
  /** `If-Match` on a write: as such, only without the quotes of the ETag, or not at all. */
  readonly conditionalWrite: 'native' | 'unquoted' | 'unsupported'
  /** The ETag of what was written in one piece, without encryption, is the MD5 of the body. */
  readonly etagIsMd5: boolean
  /** ETags in its documents are always there, in quotes. */
  readonly exactEtags: boolean
  /** It waits for the body after `Expect: 100-continue`. */
  readonly expectContinue: boolean
  /** Parameters of the query that it does not stand. */
  readonly dropQuery: readonly string[]
  /** `partNumber` when an object is read. */
  readonly readsParts: boolean
  /** GetObjectAttributes. */
  readonly attributes: boolean
  /** What it cannot do. Encryption is refused here, as stores that lack it are known to ignore it silently. */
  readonly lacks: readonly string[]
  /** Codes of its own, and what S3 calls the same. */
  readonly errorCodes: Readonly<Record<string, string>>
  /** Parts of a multipart upload but the last must be equally long. */
  readonly equalParts: boolean
}
