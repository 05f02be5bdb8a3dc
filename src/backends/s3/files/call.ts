/** One request as its operation sees it. */
import { S3Error, valueIn } from '../../../../codecs/s3/index.ts'
import type { StoreRequest } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { bodyChecksum, Digests } from './checksums.ts'
import { Aborted, type Intake } from './intake.ts'
import type { Volume } from './volume.ts'

/** Of UTF-8. */
const MAX_KEY_BYTES = 1_024

export class Call {
  readonly request: StoreRequest
  readonly volume: Volume
  /** Milliseconds since 1970, when the request came. */
  readonly time: number
  readonly #intake: Intake
  readonly #onContinue: () => void

  constructor(request: StoreRequest, volume: Volume, time: number, intake: Intake, onContinue: () => void) {
    this.request = request
    this.volume = volume
    this.time = time
    this.#intake = intake
    this.#onContinue = onContinue
  }

  header(name: string): string | undefined {
    return valueIn(this.request.headers, name)
  }

  query(name: string): string | undefined {
    return valueIn(this.request.query, name)
  }

  /** The bucket that the request is about. */
  get bucket(): Bucket {
    return this.volume.bucket(this.request.bucket)
  }

  /** The key that the request is about, where it can be one. */
  get key(): string {
    const { key } = this.request
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw new S3Error('KeyTooLongError', undefined, {
        Size: String(Buffer.byteLength(key)),
        MaxSizeAllowed: String(MAX_KEY_BYTES),
      })
    }
    const version = this.query('versionId')
    if (version !== undefined && version !== 'null')
      throw new S3Error('NoSuchVersion', undefined, { Key: key, VersionId: version })
    return key
  }

  /** Asks for the body. */
  wantBody(): Intake {
    this.#onContinue()
    return this.#intake
  }

  /** The body, which is a document, compared with its digests; unless the checksum is not its own but of an object. */
  async document(maxBytes: number, hasOwnChecksum = true): Promise<Buffer> {
    const { length } = this.request.body
    if (length !== undefined && length > maxBytes) throw new S3Error('MaxMessageLengthExceeded')
    const digests = new Digests(this.request, hasOwnChecksum ? bodyChecksum(this.request) : undefined)
    const bytes = await this.wantBody().collect(maxBytes)
    digests.update(bytes)
    digests.finish(this.#intake.trailer)
    return bytes
  }

  /** To be asked right before something is published: nothing of an aborted request may be stored. */
  stopIfAborted(): void {
    if (this.#intake.isAborted) throw new Aborted()
  }

  /** A number of the query. Throws an S3Error for what is none, or out of bounds. */
  count(name: string, otherwise: number, max: number): number {
    const text = this.query(name)
    if (text === undefined || text === '') return otherwise
    const value = /^\d{1,10}$/.test(text) ? Number(text) : -1
    if (value < 0 || value > 0x7fffffff) {
      const message = `Argument ${name} must be an integer between 0 and 2147483647`
      throw new S3Error('InvalidArgument', message, { ArgumentName: name, ArgumentValue: text })
    }
    return Math.min(value, max)
  }
}
