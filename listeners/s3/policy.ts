/** What a key of the application's may do. */
import {
  type CopySource,
  climbsOut,
  type Operation,
  parseXml,
  S3Error,
  type XmlElement,
} from '../../codecs/s3/index.ts'
import type { KeyOptions } from './options.ts'
import { Patterns } from './patterns.ts'

/** Lists of keys; other operations of this access show none. */
const LISTS_KEYS: ReadonlySet<string> = new Set([
  'ListObjects',
  'ListObjectsV2',
  'ListObjectVersions',
  'ListMultipartUploads',
])
/** About a bucket, and harmless to who may only use some of its keys: they name none, or are judged by their body. */
const HARMLESS: ReadonlySet<string> = new Set(['HeadBucket', 'GetBucketLocation', 'DeleteObjects', 'PostObject'])

/** What a policy looks at. */
export interface Wish {
  readonly operation: Operation
  readonly bucket: string
  readonly key: string
  /** For lists: what the keys are to begin with, as often as it was said. */
  readonly listPrefixes: readonly string[]
}

export class Policy {
  readonly maxObjectBytes: number
  readonly #buckets: Patterns
  readonly #prefixes: readonly string[] | undefined
  readonly #access: ReadonlySet<string> | undefined

  constructor({ buckets, prefixes, operations, maxObjectSize }: Omit<KeyOptions, 'accessKeyId' | 'secretAccessKey'>) {
    this.#buckets = new Patterns(buckets)
    this.#prefixes = prefixes
    this.#access = operations && new Set(operations)
    this.maxObjectBytes = maxObjectSize ?? Number.POSITIVE_INFINITY
  }

  /** Why the wish is refused; undefined when it is granted. */
  objection({ operation, bucket, key, listPrefixes }: Wish): string | undefined {
    if (this.#access && !this.#access.has(operation.access))
      return `this key may not ${operation.access} (${operation.name})`
    // Lists of buckets show names only; those of a key that may see some are cut down to them.
    if (bucket !== '' && !this.#buckets.match(bucket)) return `this key may not use the bucket ${bucket}`
    if (bucket === '') return undefined
    if (this.#leavesBucket(key)) return 'the key would lead out of its bucket'
    if (this.#prefixes === undefined) return undefined
    return this.#prefixObjection(operation, key, listPrefixes)
  }

  get showsAllBuckets(): boolean {
    return this.#buckets.matchesAll
  }

  /** Whether a list of buckets may name it. */
  shows(bucket: string): boolean {
    return this.#buckets.match(bucket)
  }

  /** Whether a copy may read it. */
  mayRead({ bucket, key }: CopySource): boolean {
    if (this.#access && !this.#access.has('read')) return false
    if (!this.#buckets.match(bucket) || this.#leavesBucket(key)) return false
    return this.#prefixes === undefined || this.#allows(key)
  }

  /** Throws AccessDenied when a document names objects that this key may not use. Throws ProtocolError for what is none. */
  checkDocument({ name }: Operation, document: Buffer): void {
    if (this.#prefixes === undefined || name !== 'DeleteObjects') return
    for (const key of keysIn(parseXml(document))) {
      if (!this.#allows(key))
        throw new S3Error('AccessDenied', `Access Denied: this key may not use the object ${key}.`)
    }
  }

  #prefixObjection(operation: Operation, key: string, listPrefixes: readonly string[]): string | undefined {
    if (key !== '') return this.#allows(key) ? undefined : 'this key may not use that object'
    if (HARMLESS.has(operation.name)) return undefined
    if (!LISTS_KEYS.has(operation.name)) return 'this key may only use objects below its prefixes'
    // Of two prefixes the store might take the other.
    const isBelow = listPrefixes.length === 1 && this.#allows(listPrefixes[0]!)
    return isBelow ? undefined : 'this key may only list below its prefixes'
  }

  #allows(key: string): boolean {
    return this.#prefixes!.some(prefix => key.startsWith(prefix) && !climbsOut(key, prefix))
  }

  /** Who may use some buckets only must not get to another by a key. */
  #leavesBucket(key: string): boolean {
    return !this.#buckets.matchesAll && climbsOut(key)
  }
}

/** All that a store might take for a key, wherever it stands. */
function keysIn({ name, text, children }: XmlElement): string[] {
  const within = children.flatMap(keysIn)
  return name === 'Key' ? [text, ...within] : within
}
