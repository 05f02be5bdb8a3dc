/** What a key of the application's may do. */
import { type Operation, parseXml, S3Error } from '../../codecs/s3/index.ts'
import type { KeyOptions } from './options.ts'
import { Patterns } from './patterns.ts'

/** What a policy looks at. */
export interface Wish {
  readonly operation: Operation
  readonly bucket: string
  readonly key: string
  /** For lists: what the keys are to begin with. */
  readonly listPrefix: string
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
  objection({ operation, bucket, key, listPrefix }: Wish): string | undefined {
    if (this.#access && !this.#access.has(operation.access))
      return `this key may not ${operation.access} (${operation.name})`
    // Lists of buckets show names only; those of a key that may see some are cut down to them.
    if (bucket !== '' && !this.#buckets.match(bucket)) return `this key may not use the bucket ${bucket}`
    if (bucket === '' || this.#prefixes === undefined) return undefined
    return this.#prefixObjection(operation, key, listPrefix)
  }

  /** Whether a list of buckets may name it. */
  shows(bucket: string): boolean {
    return this.#buckets.match(bucket)
  }

  /** Whether a copy may read it. */
  mayRead(bucket: string, key: string): boolean {
    if (this.#access && !this.#access.has('read')) return false
    return this.#buckets.match(bucket) && (this.#prefixes?.some(prefix => key.startsWith(prefix)) ?? true)
  }

  /** Throws AccessDenied when a document names objects that this key may not use. Throws ProtocolError for what is none. */
  checkDocument({ name }: Operation, document: Buffer): void {
    if (this.#prefixes === undefined || name !== 'DeleteObjects') return
    for (const object of parseXml(document).all('Object')) {
      const key = object.textOf('Key') ?? ''
      if (!this.#prefixes.some(prefix => key.startsWith(prefix)))
        throw new S3Error('AccessDenied', `Access Denied: this key may not use the object ${key}.`)
    }
  }

  #prefixObjection(operation: Operation, key: string, listPrefix: string): string | undefined {
    const allowed = (name: string) => this.#prefixes!.some(prefix => name.startsWith(prefix))
    if (key !== '') return allowed(key) ? undefined : 'this key may not use that object'
    if (operation.access === 'list')
      return allowed(listPrefix) ? undefined : 'this key may only list below its prefixes'
    return operation.access === 'admin' ? 'this key may only use objects below its prefixes' : undefined
  }
}
