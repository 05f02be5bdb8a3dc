/** Checksums of a body that comes in pieces. */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { ChecksumAlgorithm } from '../checksum-algorithm.ts'
import { crc32c } from './crc32c.ts'
import { Crc64Nvme } from './crc64nvme.ts'

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  update(view: Buffer): void
  /** As S3 writes it in headers and XML: base64 of its bytes, the most significant first. May be asked again. */
  base64(): string
}

export function createChecksum(algorithm: ChecksumAlgorithm): Checksum {
  switch (algorithm) {
    case 'CRC32':
      return new Crc32Checksum(algorithm, crc32)
    case 'CRC32C':
      return new Crc32Checksum(algorithm, crc32c)
    case 'CRC64NVME':
      return new Crc64Checksum()
    default:
      return new HashChecksum(algorithm)
  }
}

class Crc32Checksum implements Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly #next: (bytes: Buffer, before: number) => number
  #crc = 0

  constructor(algorithm: ChecksumAlgorithm, next: (bytes: Buffer, before: number) => number) {
    this.algorithm = algorithm
    this.#next = next
  }

  update(view: Buffer): void {
    this.#crc = this.#next(view, this.#crc)
  }

  base64(): string {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(this.#crc)
    return bytes.toString('base64')
  }
}

class Crc64Checksum implements Checksum {
  readonly algorithm = 'CRC64NVME'
  readonly #crc = new Crc64Nvme()

  update(view: Buffer): void {
    this.#crc.update(view)
  }

  base64(): string {
    return this.#crc.digest().toString('base64')
  }
}

class HashChecksum implements Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly #hash: Hash
  #digest: string | undefined

  constructor(algorithm: ChecksumAlgorithm) {
    this.algorithm = algorithm
    this.#hash = createHash(algorithm)
  }

  update(view: Buffer): void {
    this.#hash.update(view)
  }

  base64(): string {
    return (this.#digest ??= this.#hash.digest('base64'))
  }
}
