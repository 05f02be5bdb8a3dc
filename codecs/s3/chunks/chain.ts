/** The chain of chunk signatures: each covers the one before it, the first that of the request's head. */

import type { ChunkSeed } from '../signature/index.ts'
import { EMPTY_SHA256, sha256Hex } from '../signature/index.ts'

export class SignatureChain {
  readonly #seed: ChunkSeed
  #previous: string

  constructor(seed: ChunkSeed) {
    this.#seed = seed
    this.#previous = seed.signature
  }

  /** What the next chunk's signature is over, given the SHA-256 of its data. */
  chunkText(sha256: string): string {
    const { amzDate, scope } = this.#seed
    return `AWS4-HMAC-SHA256-PAYLOAD\n${amzDate}\n${scope}\n${this.#previous}\n${EMPTY_SHA256}\n${sha256}`
  }

  /** What the trailers' signature is over: their lines, each with a newline. */
  trailerText(lines: string): string {
    const { amzDate, scope } = this.#seed
    return `AWS4-HMAC-SHA256-TRAILER\n${amzDate}\n${scope}\n${this.#previous}\n${sha256Hex(lines)}`
  }

  /** Signs it; the next text goes on from there. */
  sign(text: string): string {
    return (this.#previous = this.#seed.key.hex(text))
  }
}
