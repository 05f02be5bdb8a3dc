/** SHA-256 and HMAC-SHA-256 of short texts, without an object for each (bench/codecs/s3.ts). */
import { hash, timingSafeEqual } from 'node:crypto'

/** Where texts of usual length are put as bytes: text itself would go in as UTF-8, after a look at each character. */
const TEXT = Buffer.allocUnsafeSlow(2048)
/** Its first bytes, by their number: most texts have one of few lengths. */
const PREFIXES: (Buffer | undefined)[] = new Array(TEXT.length + 1)

/** Of bytes given as latin1, one character each. */
export function sha256Hex(text: string): string {
  const { length } = text
  if (length > TEXT.length) return hash('sha256', Buffer.from(text, 'latin1'), 'hex')
  TEXT.write(text, 'latin1')
  return hash('sha256', (PREFIXES[length] ??= TEXT.subarray(0, length)), 'hex')
}

const BLOCK = 64

/** A key of HMAC-SHA-256 (RFC 2104) with both its blocks made ready, so that each use is two hashes. */
export class HmacKey {
  /** The key's inner block, and after it the message of last time, most often as long as the next one. */
  #inner: Buffer
  readonly #outer: Buffer

  constructor(key: Buffer) {
    const short = key.length > BLOCK ? hash('sha256', key, 'buffer') : key
    this.#inner = Buffer.alloc(BLOCK)
    this.#outer = Buffer.alloc(BLOCK + 32)
    short.copy(this.#inner)
    short.copy(this.#outer)
    for (let at = 0; at < BLOCK; at++) {
      this.#inner[at]! ^= 0x36
      this.#outer[at]! ^= 0x5c
    }
  }

  /** Of bytes given as latin1. */
  hex(message: string): string {
    this.#writeInner(message)
    return hash('sha256', this.#outer, 'hex')
  }

  bytes(message: string): Buffer {
    this.#writeInner(message)
    return hash('sha256', this.#outer, 'buffer')
  }

  #writeInner(message: string): void {
    if (this.#inner.length !== BLOCK + message.length) {
      const inner = Buffer.allocUnsafeSlow(BLOCK + message.length)
      this.#inner.copy(inner, 0, 0, BLOCK)
      this.#inner = inner
    }
    this.#inner.write(message, BLOCK, 'latin1')
    // As text, which costs less than another buffer.
    this.#outer.write(hash('sha256', this.#inner, 'binary'), BLOCK, 'latin1')
  }
}

const ONE = Buffer.alloc(64)
const OTHER = Buffer.alloc(64)

/** Compares two signatures of 64 hexadecimal digits in a time that tells nothing of where they differ. */
export function isSameSignature(one: string, other: string): boolean {
  if (one.length !== 64 || other.length !== 64) return false
  ONE.write(one, 'latin1')
  OTHER.write(other, 'latin1')
  return timingSafeEqual(ONE, OTHER)
}
