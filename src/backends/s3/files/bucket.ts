/**
 * One bucket: a folder with one file for each key, and the bodies that are not in those files. The rename that gives a
 * file its key's name is the moment at which an operation happens.
 */

import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Error } from '../../../../codecs/s3/index.ts'
import { Bodies } from './bodies.ts'
import { BodyContent, type Content, filesOf } from './content.ts'
import { type FolderSync, hasCode } from './durable.ts'
import { keyOfName, nameOfKey } from './key-name.ts'
import { Listing } from './listing.ts'
import { Gate, NamedMutex } from './mutex.ts'
import type { ObjectRecord } from './record.ts'
import { BrokenFile, Draft, readRecord, readSoundRecord, SealedFile } from './sealed-file.ts'
import { Uploads } from './uploads.ts'

/** Smaller objects are copied rather than shared: a folder of their own would cost more. */
const MAX_COPIED_BYTES = 128 * 1024

export interface BucketRecord {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly created: number
  /** The LocationConstraint it was made with; empty for none. */
  readonly location: string
}

/** A sealed draft and its record. */
export interface Copy {
  readonly draft: Draft
  readonly record: ObjectRecord
}

/** Throws an S3Error unless the operation may be done on what the key has now. */
export type Check = (current: ObjectRecord | undefined) => void

export class Bucket {
  readonly record: BucketRecord
  readonly folder: string
  readonly bodies: Bodies
  readonly uploads: Uploads
  readonly listing: Listing
  readonly #objects: string
  readonly #temporary: string
  readonly #folders: FolderSync
  readonly #keys = new NamedMutex()
  readonly #gate = new Gate()
  #isGone = false

  constructor(record: BucketRecord, folder: string, temporary: string, folders: FolderSync) {
    this.record = record
    this.folder = folder
    this.#objects = join(folder, 'objects')
    this.#temporary = temporary
    this.#folders = folders
    this.bodies = new Bodies(join(folder, 'bodies'), temporary, folders)
    this.uploads = new Uploads(this, this.bodies)
    this.listing = new Listing(
      () => readdir(this.#objects),
      name => this.#keyOf(name),
      key => readSoundRecord(this.#path(key)),
    )
  }

  /** Puts in order what a crash has left. */
  async recover(): Promise<void> {
    for (const id of await this.bodies.list()) {
      try {
        await this.#recoverBody(id)
      } catch (error) {
        // Whose it was cannot be said, so it stays.
        if (!(error instanceof BrokenFile)) throw error
      }
    }
  }

  async #recoverBody(id: string): Promise<void> {
    const owner = await readRecord<{ key: string }>(this.bodies.path(id, 'owner'))
    const upload = owner ?? (await readRecord<{ key: string }>(this.bodies.path(id, 'upload')))
    const isUsed = upload !== undefined && (await this.read(upload.key))?.body === id
    if (isUsed && owner === undefined) await this.bodies.settle(id)
    else if (!isUsed && owner === undefined && upload !== undefined) await this.uploads.restore(id)
    else if (!isUsed) await this.bodies.remove(id)
  }

  /** What the key has. */
  read(key: string): Promise<ObjectRecord | undefined> {
    return readRecord<ObjectRecord>(this.#path(key))
  }

  /** Opens the bytes of what the key has. */
  async open(key: string): Promise<Content | undefined> {
    for (;;) {
      const file = await SealedFile.open<ObjectRecord>(this.#path(key))
      const body = file?.record.body
      if (!file || body === undefined) return file
      await file.close()
      this.bodies.retain(body)
      try {
        // Only what is still the key's after it was retained has not begun to go away.
        if ((await this.read(key))?.body === body) return new BodyContent(file.record, this.bodies)
      } catch (error) {
        await this.bodies.release(body)
        throw error
      }
      await this.bodies.release(body)
    }
  }

  /** Gives the key a sealed draft, if the check passes. */
  replace(draft: Draft, record: ObjectRecord, check: Check): Promise<void> {
    return this.change(async () => {
      const path = this.#path(record.key)
      const before = await this.#keys.run(record.key, async () => {
        // What cannot be read can still be replaced.
        const current = await readSoundRecord<ObjectRecord>(path)
        check(current)
        await rename(draft.path, path)
        this.listing.added(record)
        return current
      })
      await this.#settle(before, record.body)
    })
  }

  /** Removes the key, if the check passes. False when there was none. */
  remove(key: string, check: Check): Promise<boolean> {
    return this.change(async () => {
      const removed = await this.#keys.run(key, async () => {
        const current = await readSoundRecord<ObjectRecord>(this.#path(key))
        check(current)
        try {
          await rm(this.#path(key))
        } catch (error) {
          if (hasCode(error, 'ENOENT')) return { wasThere: false, current }
          throw error
        }
        this.listing.removed(key)
        return { wasThere: true, current }
      })
      if (removed.wasThere) await this.#settle(removed.current, undefined)
      return removed.wasThere
    })
  }

  /** Changes what is kept beside the bytes; undefined when there is no such key. */
  amend(key: string, alter: (record: ObjectRecord) => ObjectRecord): Promise<ObjectRecord | undefined> {
    return this.change(async () => {
      const changed = await this.#keys.run(key, async () => {
        const current = await this.read(key)
        if (!current) return undefined
        const { draft, record } = await this.#derive(this, current, alter(current), current.body)
        try {
          await rename(draft.path, this.#path(key))
        } catch (error) {
          await draft.discard()
          if (record.body !== undefined && record.body !== current.body) await this.bodies.remove(record.body)
          throw error
        }
        this.listing.added(record)
        return { current, record }
      })
      if (!changed) return undefined
      await this.#settle(changed.current, changed.record.body)
      return changed.record
    })
  }

  /**
   * A sealed draft for a key of the target with the bytes of one of ours and another record, made while nobody can replace
   * them. It is to be discarded when it was not published.
   */
  copyTo(target: Bucket, key: string, alter: (record: ObjectRecord) => ObjectRecord): Promise<Copy | undefined> {
    return this.#keys.run(key, async () => {
      const current = await this.read(key)
      return current && this.#derive(target, current, alter(current), undefined)
    })
  }

  /** Removes what copyTo() has made, unless it is the key's by now. Never rejects. */
  async discard({ draft, record }: Copy): Promise<void> {
    await draft.discard()
    if (record.body === undefined) return
    const current = await this.read(record.key).catch(() => record)
    if (current?.body !== record.body) await this.bodies.remove(record.body)
  }

  /** Lets nobody delete the bucket while something in it changes. */
  change<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.pass(() => {
      if (this.#isGone) throw new S3Error('NoSuchBucket', undefined, { BucketName: this.record.name })
      return work()
    })
  }

  /** Calls back when the bucket is empty and will stay so; refuses otherwise. Uploads under way go with it. */
  retire(discard: () => Promise<void>): Promise<void> {
    return this.#gate.alone(async () => {
      if (this.#isGone) throw new S3Error('NoSuchBucket', undefined, { BucketName: this.record.name })
      if ((await readdir(this.#objects)).length > 0) {
        throw new S3Error('BucketNotEmpty', undefined, { BucketName: this.record.name })
      }
      await discard()
      this.#isGone = true
    })
  }

  draft(): Promise<Draft> {
    return Draft.create(this.#temporary)
  }

  /** `kept` is a folder of bytes that goes on being the object's. */
  async #derive(target: Bucket, current: ObjectRecord, altered: ObjectRecord, kept: string | undefined) {
    const { body: _, ...plain } = altered
    let record: ObjectRecord = plain
    if (kept !== undefined) record = { ...plain, body: kept }
    else if (current.size > MAX_COPIED_BYTES || current.body !== undefined) {
      const files = filesOf(current).map(({ name }) => {
        const from = current.body === undefined ? this.#path(current.key) : this.bodies.path(current.body, name)
        return { from, name }
      })
      record = { ...plain, body: await target.bodies.share(files, { key: altered.key }) }
    }
    const draft = await target.draft()
    try {
      if (record.body === undefined) await draft.write([await this.#bytes(current)])
      await draft.seal(record)
      return { draft, record }
    } catch (error) {
      await draft.discard()
      if (record.body !== undefined && record.body !== kept) await target.bodies.remove(record.body)
      throw error
    }
  }

  /** All of a small object, which is in its own file. */
  async #bytes(current: ObjectRecord): Promise<Buffer> {
    const file = await SealedFile.open<ObjectRecord>(this.#path(current.key))
    const bytes = Buffer.allocUnsafe(current.size)
    try {
      if ((await file?.read(bytes, 0)) !== bytes.length)
        throw new Error('the object has fewer bytes than its record says')
    } finally {
      await file?.close()
    }
    return bytes
  }

  /** Makes a change durable, and only then removes the bytes that it has replaced. */
  async #settle(before: ObjectRecord | undefined, body: string | undefined): Promise<void> {
    await this.#folders.sync(this.#objects)
    if (before?.body !== undefined && before.body !== body) await this.bodies.remove(before.body)
  }

  async #keyOf(name: string): Promise<string | undefined> {
    return keyOfName(name) ?? (await readSoundRecord<ObjectRecord>(join(this.#objects, name)))?.key
  }

  #path(key: string): string {
    return join(this.#objects, nameOfKey(key))
  }
}
