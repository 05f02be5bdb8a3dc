/** What buckets and keys are called at the service: one of its buckets may stand in for several, each with a prefix. */
import { climbsOut, S3Error } from '../../../../codecs/s3/index.ts'

export interface BucketOptions {
  readonly name?: string | undefined
  readonly prefix: string
}

/** Where a bucket of the application's is kept. */
export interface Place {
  readonly bucket: string
  readonly prefix: string
  /** Called the same, without a prefix: nothing has to be translated. */
  readonly isPlain: boolean
}

/** What the key is called there. Throws InvalidArgument for one that could lead out of the place. */
export function keyAt({ prefix, isPlain }: Place, key: string): string {
  const full = prefix + key
  if (!isPlain && climbsOut(full, prefix))
    throw new S3Error('InvalidArgument', 'By its dots the key would lead out of where the bucket is kept.')
  return full
}

export class BucketNames {
  readonly #places = new Map<string, Place>()
  readonly #origins = new Map<string, string[]>()

  constructor(buckets: Readonly<Record<string, BucketOptions>>) {
    for (const [bucket, { name = bucket, prefix }] of Object.entries(buckets)) {
      this.#places.set(bucket, { bucket: name, prefix, isPlain: name === bucket && prefix === '' })
      const origins = this.#origins.get(name)
      if (origins) origins.push(bucket)
      else this.#origins.set(name, [bucket])
    }
  }

  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /**
   * Throws NoSuchBucket for the service's name of one that is called otherwise here: past its prefix there is no way, also
   * not by a name in full, such as Ceph's `tenant:bucket` and AWS's ARNs.
   */
  placeOf(bucket: string): Place {
    const place = this.#places.get(bucket)
    if (place) return place
    if (this.#origins.has(bucket) || (!this.isEmpty && bucket.includes(':')))
      throw new S3Error('NoSuchBucket', undefined, { BucketName: bucket })
    return { bucket, prefix: '', isPlain: true }
  }

  /** The application's names for a bucket of the service: one, or those that share it. */
  originsOf(name: string): readonly string[] {
    return this.#origins.get(name) ?? (this.#places.has(name) ? [] : [name])
  }
}
