/**
 * A file that is whole or absent: bytes, what is known of them, and a seal that tells where each ends.
 *
 *     bytes | record as JSON | length of the record, 4 bytes | CRC-32 of the record, 4 bytes | "PORTOLAN"
 *
 * It is written among the temporary files, synchronised, and only then gets its name.
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CREATE, hasCode, PRIVATE_FILE, READ, writeAll } from './durable.ts'

const MAGIC = Buffer.from('PORTOLAN')
const SEAL_BYTES = 8 + MAGIC.length
/** So much is read with the record: small objects come whole by one read. */
const TAIL_BYTES = 8 * 1024

/** A sealed file under construction. */
export class Draft {
  readonly path: string
  readonly #handle: FileHandle
  #isOpen = true

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  static async create(folder: string): Promise<Draft> {
    const path = join(folder, randomUUID())
    return new Draft(path, await open(path, CREATE, PRIVATE_FILE))
  }

  write(buffers: readonly Buffer[]): Promise<void> {
    return writeAll(this.#handle, buffers)
  }

  /** Writes the record and the seal; from then on the bytes are safe, under a temporary name. */
  async seal(record: object): Promise<void> {
    const json = Buffer.from(JSON.stringify(record))
    const seal = Buffer.alloc(SEAL_BYTES)
    seal.writeUInt32BE(json.length, 0)
    seal.writeUInt32BE(crc32(json), 4)
    MAGIC.copy(seal, 8)
    await writeAll(this.#handle, [json, seal])
    await this.#handle.sync()
    await this.#close()
  }

  /** Removes it, unless it has got its name. Never rejects. */
  async discard(): Promise<void> {
    await this.#close().catch(() => {})
    await rm(this.path, { force: true }).catch(() => {})
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#handle.close()
  }
}

/** A sealed file that is open for reading: the same bytes, whatever becomes of its name. */
export class SealedFile<R> {
  readonly record: R
  /** Bytes before the record. */
  readonly size: number
  readonly #handle: FileHandle
  /** The last bytes before the record, already read. */
  readonly #tail: Buffer

  private constructor(handle: FileHandle, record: R, size: number, tail: Buffer) {
    this.#handle = handle
    this.record = record
    this.size = size
    this.#tail = tail
  }

  /** Undefined when nothing has that name. */
  static async open<R>(path: string): Promise<SealedFile<R> | undefined> {
    let handle: FileHandle
    try {
      handle = await open(path, READ)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw hasCode(error, 'ELOOP') ? broken(path) : error
    }
    try {
      const { size } = await handle.stat()
      let tail = await readTail(handle, size, TAIL_BYTES)
      const length = recordLength(tail, path)
      if (length + SEAL_BYTES > tail.length) tail = await readTail(handle, size, length + SEAL_BYTES)
      if (length + SEAL_BYTES > tail.length) throw broken(path)
      const start = tail.length - SEAL_BYTES - length
      const json = tail.subarray(start, start + length)
      if (crc32(json) !== tail.readUInt32BE(tail.length - SEAL_BYTES + 4)) throw broken(path)
      const record = JSON.parse(json.toString()) as R
      return new SealedFile(handle, record, size - SEAL_BYTES - length, tail.subarray(0, start))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Reads bytes of the part before the record. Fewer than asked only at its end. */
  async read(into: Buffer, position: number): Promise<number> {
    const wanted = Math.min(into.length, this.size - position)
    if (wanted <= 0) return 0
    const tailStart = this.size - this.#tail.length
    if (position >= tailStart) return this.#tail.copy(into, 0, position - tailStart, position - tailStart + wanted)
    return readFully(this.#handle, into.subarray(0, wanted), position)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** What is known of the bytes under a name; undefined when nothing has it. */
export async function readRecord<R>(path: string): Promise<R | undefined> {
  const file = await SealedFile.open<R>(path)
  await file?.close()
  return file?.record
}

async function readTail(handle: FileHandle, size: number, bytes: number): Promise<Buffer> {
  const tail = Buffer.allocUnsafe(Math.min(size, bytes))
  await readFully(handle, tail, size - tail.length)
  return tail
}

async function readFully(handle: FileHandle, into: Buffer, position: number): Promise<number> {
  let done = 0
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

function recordLength(tail: Buffer, path: string): number {
  const seal = tail.length - SEAL_BYTES
  if (seal < 0 || !tail.subarray(seal + 8).equals(MAGIC)) throw broken(path)
  return tail.readUInt32BE(seal)
}

/** The same, with undefined for what somebody has damaged: for those who look at many. */
export async function readSoundRecord<R>(path: string): Promise<R | undefined> {
  try {
    return await readRecord<R>(path)
  } catch (error) {
    if (error instanceof BrokenFile) return undefined
    throw error
  }
}

/** Somebody else has written there, or the disk has lost something. */
export class BrokenFile extends Error {
  override readonly name = 'BrokenFile'
}

function broken(path: string): BrokenFile {
  return new BrokenFile(`${path} is not a file that Portolan has written whole`)
}
