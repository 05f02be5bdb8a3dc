/**
 * The payload of a request, out of its body: chunks of S3 are taken off and everything is verified that vouches for it. Of
 * a payload that is passed on while it comes, the last byte is held back until then: without it nobody stores anything.
 */

import { createHash, type Hash, hash } from 'node:crypto'
import {
  AwsChunkedDecoder,
  CHECKSUMS,
  type Checksum,
  type ChunkSeed,
  createChecksum,
  EMPTY_SHA256,
  headerIn,
  S3Error,
} from '../../codecs/s3/index.ts'
import type { Store } from '../../src/backends/s3/index.ts'
import type { BodyPlan } from './body-plan.ts'
import { HoldBack } from './hold-back.ts'

export interface PayloadSink {
  /** Bytes of a payload that is not gathered; owned as those that came. */
  onPayload(bytes: Buffer, owned: boolean): void
  /** It is whole and right; with the base64 value of the checksum in its trailer. */
  onChecked(trailer: string | undefined): void
}

interface Expected {
  readonly sum: Checksum
  /** In base64; what comes in a trailer is not known before. */
  value: string | undefined
}

export class Payload {
  readonly #plan: BodyPlan
  readonly #sink: PayloadSink
  readonly #chunks: AwsChunkedDecoder | undefined
  readonly #expected: Expected | undefined
  #comparesSha256: boolean
  /** Of what is passed on; what is gathered is hashed at once, which costs a third for small ones. */
  #sha256: Hash | undefined
  #md5: Hash | undefined
  #gathered: Buffer | undefined
  #maxGathered = 0
  #holdBack: HoldBack | undefined
  #bytes = 0

  /** `store`: what it compares itself is not compared here. */
  constructor(
    plan: BodyPlan,
    seed: ChunkSeed | undefined,
    maxChunkBytes: number,
    store: Pick<Store, 'checksums' | 'comparesSha256'>,
    sink: PayloadSink,
  ) {
    this.#plan = plan
    this.#sink = sink
    const { checksum } = plan
    // What is in the trailer is compared by nobody else, as a service may get the body without it; nor are the digests of
    // a document, which may go on in other words.
    if (checksum && (plan.isDocument || checksum.value === undefined || !store.checksums.has(checksum.algorithm)))
      this.#expected = { sum: createChecksum(checksum.algorithm), value: checksum.value }
    this.#comparesSha256 = plan.sha256 !== undefined && !store.comparesSha256
    const isChunked = plan.kind !== 'hash' && plan.kind !== 'unsigned'
    const isVerified = this.#expected !== undefined || this.#comparesSha256 || isChunked || plan.isOpenEnded
    if (isVerified && plan.length !== undefined)
      this.#holdBack = new HoldBack(plan.length, (bytes, owned) => sink.onPayload(bytes, owned))
    if (isChunked) {
      this.#chunks = new AwsChunkedDecoder(
        {
          seed: plan.kind === 'unsigned-chunks-trailer' ? undefined : seed,
          unverifiable: seed === undefined && plan.kind !== 'unsigned-chunks-trailer',
          trailers: trailersOf(plan),
          hasTrailers: plan.kind !== 'signed-chunks',
          decodedLength: plan.length,
          maxChunkBytes,
        },
        {
          onData: view => this.#take(view),
          onChunkVerified: () => {},
          onTrailer: (name, value) => this.#takeTrailer(name, value),
          onEnd: () => this.#check(),
        },
      )
    }
  }

  /** All of it, once it is checked, when it was to be gathered. */
  get gathered(): Buffer | undefined {
    return this.#gathered
  }

  /** What has come of it. */
  get bytes(): number {
    return this.#bytes
  }

  /** Waits for all of it, up to so many bytes, and compares every digest there is: nobody has heard of it yet. */
  gather(maxBytes: number): void {
    const { length, sha256, md5 } = this.#plan
    this.#maxGathered = maxBytes
    this.#gathered = Buffer.allocUnsafe(length ?? 0)
    this.#comparesSha256 = sha256 !== undefined
    if (md5 !== undefined) this.#md5 = createHash('md5')
  }

  /** Bytes of the body. Throws S3Error. */
  write(view: Buffer): void {
    if (this.#chunks) this.#chunks.write(view)
    else this.#take(view)
  }

  /** Of HTTP's own chunks: those of S3's, which may be signed, count alone. */
  onTrailer(name: string, value: string): void {
    if (!this.#chunks) this.#takeTrailer(name, value)
  }

  #takeTrailer(name: string, value: string): void {
    if (this.#expected && name === headerOf(this.#expected)) this.#expected.value ??= value
  }

  /** The body is over. Throws S3Error. */
  end(): void {
    if (this.#chunks) this.#chunks.end()
    else this.#check()
  }

  /** Adds what the application is told of the checksum that was compared here, where the answer does not say. */
  echo(headers: string[]): void {
    if (!this.#expected || this.#expected.value === undefined) return
    const name = headerOf(this.#expected)
    if (headerIn(headers, name) === undefined) headers.push(name, this.#expected.value)
  }

  #take(view: Buffer): void {
    this.#bytes += view.length
    const { length } = this.#plan
    if (length !== undefined && this.#bytes > length)
      throw new S3Error('IncompleteBody', 'The body is longer than was announced.')
    this.#expected?.sum.update(view)
    if (this.#gathered) return this.#gatherMore(view)
    if (this.#comparesSha256) (this.#sha256 ??= createHash('sha256')).update(view)
    if (this.#holdBack) this.#holdBack.pass(view, false)
    else this.#sink.onPayload(view, false)
  }

  #gatherMore(view: Buffer): void {
    this.#md5?.update(view)
    const at = this.#bytes - view.length
    if (this.#bytes > this.#maxGathered) throw new S3Error('MaxMessageLengthExceeded')
    if (this.#bytes > this.#gathered!.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(this.#maxGathered, Math.max(this.#bytes, 2 * this.#gathered!.length, 4096)),
      )
      this.#gathered!.copy(grown, 0, 0, at)
      this.#gathered = grown
    }
    view.copy(this.#gathered!, at)
  }

  #check(): void {
    const { length, sha256, md5 } = this.#plan
    if (length !== undefined && this.#bytes !== length) throw new S3Error('IncompleteBody')
    if (this.#gathered) this.#gathered = this.#gathered.subarray(0, this.#bytes)
    if (this.#comparesSha256 && this.#sha256Hex() !== sha256) throw new S3Error('XAmzContentSHA256Mismatch')
    if (this.#md5 && this.#md5.digest('base64') !== md5)
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
    this.#checkSum()
    this.#holdBack?.release()
    this.#sink.onChecked(isTrailed(this.#plan) ? this.#expected?.value : undefined)
  }

  #sha256Hex(): string {
    if (this.#bytes === 0) return EMPTY_SHA256
    return this.#gathered ? hash('sha256', this.#gathered, 'hex') : this.#sha256!.digest('hex')
  }

  #checkSum(): void {
    const expected = this.#expected
    if (!expected) return
    const computed = expected.sum.base64()
    if (expected.value === undefined) throw new S3Error('MalformedTrailerError')
    if (expected.value !== computed)
      throw new S3Error(
        'BadDigest',
        `The ${expected.sum.algorithm} you specified did not match the calculated checksum.`,
      )
  }
}

function headerOf({ sum }: Expected): string {
  return CHECKSUMS[sum.algorithm].header
}

function isTrailed({ checksum }: BodyPlan): boolean {
  return checksum !== undefined && checksum.value === undefined
}

function trailersOf(plan: BodyPlan): string[] {
  return isTrailed(plan) ? [CHECKSUMS[plan.checksum!.algorithm].header] : []
}
