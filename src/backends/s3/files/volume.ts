/**
 * The data directory of one store, for as long as it is open: nobody else has it open meanwhile.
 *
 *     lock                     a socket that only a living process can hold
 *     format                   which layout this is
 *     tmp/                     what is under construction; emptied at the start
 *     buckets/NAME/bucket      what is known of the bucket
 *     buckets/NAME/objects/    one sealed file for each key
 *     buckets/NAME/bodies/     see bodies.ts
 */

import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, realpath, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { S3Error } from '../../../../codecs/s3/index.ts'
import { ProxyError } from '../../../errors.ts'
import { lock, socketDirectory } from '../../../supervise/index.ts'
import { Bucket, type BucketRecord } from './bucket.ts'
import { FolderSync, makeFolder, PRIVATE_FOLDER, publish } from './durable.ts'
import { NamedMutex } from './mutex.ts'
import { Draft, readRecord } from './sealed-file.ts'

const FORMAT = { format: 'portolan-s3-files', version: 1 }
/** What AWS gives an account. */
const MAX_BUCKETS = 10_000
/** In all buckets together, as far as more than one bucket has them: a key costs some 300 bytes. */
const MAX_KEYS_IN_MEMORY = 1_000_000

export class Volume {
  readonly buckets = new Map<string, Bucket>()
  readonly #folder: string
  readonly #temporary: string
  readonly #folders = new FolderSync()
  readonly #lock: Server
  /** Creating and deleting a bucket, one at a time for each name. */
  readonly #changing = new NamedMutex()
  /** Whose keys are in memory, who was asked longest ago first. */
  readonly #listed = new Set<Bucket>()

  private constructor(folder: string, held: Server) {
    this.#folder = folder
    this.#temporary = join(folder, 'tmp')
    this.#lock = held
  }

  /** Makes the directory unless it is there, and puts in order what a crash has left. Rejects with a ProxyError. */
  static async open(directory: string): Promise<Volume> {
    await mkdir(directory, { recursive: true, mode: PRIVATE_FOLDER })
    const folder = await realpath(directory)
    const held = await lock(join(socketDirectory(folder), 'lock'), folder)
    const volume = new Volume(folder, held)
    try {
      await volume.#recover()
    } catch (error) {
      await volume.close()
      throw error
    }
    return volume
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#lock.close(() => resolve()))
  }

  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name)
    if (!bucket) throw new S3Error('NoSuchBucket', undefined, { BucketName: name })
    return bucket
  }

  /** False when it was there. */
  createBucket(record: BucketRecord): Promise<boolean> {
    return this.#changing.run(record.name, async () => {
      if (this.buckets.has(record.name)) return false
      if (this.buckets.size >= MAX_BUCKETS) throw new S3Error('TooManyBuckets')
      const draft = join(this.#temporary, randomUUID())
      await mkdir(draft, PRIVATE_FOLDER)
      try {
        for (const folder of ['objects', 'bodies']) await mkdir(join(draft, folder), PRIVATE_FOLDER)
        await this.#publishRecord(join(draft, 'bucket'), record)
        await publish(draft, this.#path(record.name), this.#folders)
      } finally {
        await rm(draft, { recursive: true, force: true })
      }
      this.buckets.set(record.name, this.#open(record))
      return true
    })
  }

  deleteBucket(name: string): Promise<void> {
    return this.#changing.run(name, () => {
      const bucket = this.bucket(name)
      return bucket.retire(async () => {
        const grave = join(this.#temporary, randomUUID())
        await rename(bucket.folder, grave)
        this.buckets.delete(name)
        this.#listed.delete(bucket)
        await this.#folders.sync(join(this.#folder, 'buckets'))
        await rm(grave, { recursive: true, force: true })
      })
    })
  }

  /** Makes room for the listing that was asked for: others give theirs back, who were asked longest ago first. */
  noteListing(bucket: Bucket): void {
    if (this.buckets.get(bucket.record.name) !== bucket) return
    this.#listed.delete(bucket)
    this.#listed.add(bucket)
    let total = 0
    for (const { listing } of this.#listed) total += listing.size
    for (const other of this.#listed) {
      if (total <= MAX_KEYS_IN_MEMORY || other === bucket) break
      total -= other.listing.size
      other.listing.drop()
      this.#listed.delete(other)
    }
  }

  async #recover(): Promise<void> {
    const format = await readRecord<typeof FORMAT>(join(this.#folder, 'format'))
    if (format === undefined) {
      const others = (await readdir(this.#folder)).filter(name => name !== 'lock' && name !== 'tmp')
      if (others.length > 0) {
        throw unusable(`${this.#folder} holds other files (${others[0]}): choose an empty directory`)
      }
    } else if (format.format !== FORMAT.format || format.version !== FORMAT.version) {
      throw unusable(`${this.#folder} was written by another version of Portolan`)
    }
    await rm(this.#temporary, { recursive: true, force: true })
    await makeFolder(this.#temporary, this.#folders)
    if (format === undefined) await this.#publishRecord(join(this.#folder, 'format'), FORMAT)
    const buckets = join(this.#folder, 'buckets')
    await makeFolder(buckets, this.#folders)
    for (const name of await readdir(buckets)) {
      const path = this.#path(name)
      const record = await readRecord<BucketRecord>(join(path, 'bucket'))
      if (!(await lstat(path)).isDirectory() || record?.name !== name) throw unusable(`${path} is no bucket`)
      const bucket = this.#open(record)
      await bucket.recover()
      this.buckets.set(name, bucket)
    }
  }

  #open(record: BucketRecord): Bucket {
    return new Bucket(record, this.#path(record.name), this.#temporary, this.#folders)
  }

  async #publishRecord(path: string, record: object): Promise<void> {
    const draft = await Draft.create(this.#temporary)
    try {
      await draft.seal(record)
      await publish(draft.path, path, this.#folders)
    } finally {
      await draft.discard()
    }
  }

  #path(bucket: string): string {
    return join(this.#folder, 'buckets', bucket)
  }
}

function unusable(message: string): ProxyError {
  return new ProxyError('embedded-start', message, { source: 'portolan' })
}
