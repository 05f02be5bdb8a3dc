/** What is kept of an object beside its bytes. It is written behind them, as JSON. */
import type { ChecksumAlgorithm } from '../../../../codecs/s3/index.ts'

export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm
  /** Base64, and for COMPOSITE of a whole object `-` and the number of parts. */
  readonly value: string
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

export interface PartRecord {
  readonly number: number
  readonly size: number
  /** MD5 in hex. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly modified: number
  readonly checksum?: StoredChecksum
}

export interface ObjectRecord {
  readonly key: string
  readonly size: number
  /** Without quotes. */
  readonly etag: string
  /** Milliseconds since 1970. */
  readonly modified: number
  /** Content headers and user metadata as name, value, name, value ... */
  readonly headers: readonly string[]
  /** Key, value, key, value ... */
  readonly tags: readonly string[]
  readonly checksum?: StoredChecksum
  /** The folder among the bodies that has the bytes; absent when they are in the object's own file. */
  readonly body?: string
  /** Of a multipart upload, in order. */
  readonly parts?: readonly PartRecord[]
}
