/** The multipart uploads of a bucket that are under way. Which they are is in memory, their parts are on the disk only. */
import { rename, rm } from 'node:fs/promises'
import { type ChecksumAlgorithm, S3Error } from '../../../../codecs/s3/index.ts'
import type { Bodies } from './bodies.ts'
import { mapBounded } from './bounded.ts'
import type { Bucket, Check } from './bucket.ts'
import { NamedMutex } from './mutex.ts'
import type { ObjectRecord, PartRecord, StoredChecksum } from './record.ts'
import { type Draft, readRecord } from './sealed-file.ts'

/** They cost memory until they are completed or aborted. */
const MAX_UPLOADS = 100_000

export interface UploadRecord {
  readonly key: string
  /** Milliseconds since 1970. */
  readonly initiated: number
  readonly headers: readonly string[]
  readonly tags: readonly string[]
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: StoredChecksum['type'] }
}

export class Uploads {
  readonly #bucket: Bucket
  readonly #bodies: Bodies
  readonly #open = new Map<string, UploadRecord>()
  /** By upload: its parts do not change while it is being completed. */
  readonly #changing = new NamedMutex()

  constructor(bucket: Bucket, bodies: Bodies) {
    this.#bucket = bucket
    this.#bodies = bodies
  }

  /** Takes up one that was under way when the process ended. */
  async restore(id: string): Promise<void> {
    const upload = await readRecord<UploadRecord>(this.#bodies.path(id, 'upload'))
    if (upload) this.#open.set(id, upload)
  }

  begin(upload: UploadRecord): Promise<string> {
    return this.#bucket.change(async () => {
      if (this.#open.size >= MAX_UPLOADS) {
        throw new S3Error('InvalidRequest', `${MAX_UPLOADS} uploads are under way: complete or abort some of them.`)
      }
      const id = await this.#bodies.create('upload', upload)
      this.#open.set(id, upload)
      return id
    })
  }

  /** The upload of that id, which must be of that key. */
  get(id: string, key: string): UploadRecord {
    const upload = this.#open.get(id)
    if (upload?.key !== key) throw new S3Error('NoSuchUpload', undefined, { UploadId: id })
    return upload
  }

  /** All in S3's order: by key, then by when they began. */
  list(): { readonly id: string; readonly upload: UploadRecord }[] {
    const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
    return Array.from(this.#open, ([id, upload]) => ({ id, upload })).sort(
      (a, b) => order(a.upload.key, b.upload.key) || a.upload.initiated - b.upload.initiated || (a.id < b.id ? -1 : 1),
    )
  }

  /** Takes a sealed draft as a part, in place of what had its number. */
  putPart(id: string, key: string, part: PartRecord, draft: Draft): Promise<void> {
    return this.#bucket.change(async () => {
      await this.#changing.run(id, async () => {
        this.get(id, key)
        await rename(draft.path, this.#bodies.path(id, part.number))
      })
      await this.#bodies.sync(id).catch((error: unknown) => {
        // Aborted in between.
        this.get(id, key)
        throw error
      })
    })
  }

  /** Its parts in order. */
  async parts(id: string): Promise<PartRecord[]> {
    const numbers = await this.#bodies.parts(id)
    const parts = await mapBounded(numbers, number => readRecord<PartRecord>(this.#bodies.path(id, number)))
    return parts.filter(part => part !== undefined)
  }

  /** Makes the object that `assemble` has decided on, of some of the parts. */
  complete(
    id: string,
    key: string,
    assemble: (upload: UploadRecord, parts: readonly PartRecord[]) => Promise<ObjectRecord> | ObjectRecord,
    check: Check,
  ): Promise<ObjectRecord> {
    return this.#changing.run(id, async () => {
      const upload = this.get(id, key)
      const parts = await this.parts(id)
      const record: ObjectRecord = { ...(await assemble(upload, parts)), body: id }
      const draft = await this.#bucket.draft()
      try {
        await draft.seal(record)
        await this.#bodies.sync(id)
        await this.#bucket.replace(draft, record, check)
      } finally {
        await draft.discard()
      }
      this.#open.delete(id)
      await this.#bodies.settle(id)
      const kept = new Set(record.parts?.map(part => part.number))
      for (const { number } of parts) {
        if (!kept.has(number)) await rm(this.#bodies.path(id, number), { force: true })
      }
      return record
    })
  }

  abort(id: string, key: string): Promise<void> {
    return this.#changing.run(id, async () => {
      this.get(id, key)
      this.#open.delete(id)
      await this.#bodies.remove(id)
    })
  }
}
