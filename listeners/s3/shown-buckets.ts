/** A list of buckets, cut down to those that a key may name. */
import { ProtocolError } from '../../codecs/codec.ts'
import { parseXml, S3Error, type XmlElement, XmlWriter } from '../../codecs/s3/index.ts'
import type { StoreResponse, StoreSink } from '../../src/backends/s3/index.ts'
import type { ProxyError } from '../../src/errors.ts'

/** AWS lists 10,000 buckets at most on one page. */
const MAX_BYTES = 16 * 1024 * 1024

/** Stands between the store and who waits for the list. */
export class ShownBuckets implements StoreSink {
  readonly #shows: (bucket: string) => boolean
  readonly #sink: StoreSink
  #response: StoreResponse | undefined
  #pieces: Buffer[] | undefined = []
  #bytes = 0

  constructor(shows: (bucket: string) => boolean, sink: StoreSink) {
    this.#shows = shows
    this.#sink = sink
  }

  onContinue(): void {
    this.#sink.onContinue()
  }

  onDrain(): void {
    this.#sink.onDrain()
  }

  onHead(response: StoreResponse): void {
    this.#response = response
  }

  onData(bytes: Buffer, owned: boolean): boolean {
    this.#bytes += bytes.length
    if (this.#bytes > MAX_BYTES) this.#pieces = undefined
    this.#pieces?.push(owned ? bytes : Buffer.from(bytes))
    return true
  }

  onEnd(): void {
    const shown = this.#shown()
    if (shown instanceof S3Error) return this.#sink.onFailed(shown)
    this.#sink.onHead({ ...this.#response!, length: shown.length, bodyFollows: shown.length > 0 })
    if (shown.length > 0) this.#sink.onData(shown, true)
    this.#sink.onEnd()
  }

  onFailed(error: ProxyError | S3Error): void {
    this.#sink.onFailed(error)
  }

  /** What cannot be read is not shown either. */
  #shown(): Buffer | S3Error {
    if (!this.#pieces) return new S3Error('InternalError', 'The list of buckets is too long.')
    const document = Buffer.concat(this.#pieces)
    if (this.#response!.status >= 300 || document.length === 0) return document
    try {
      const root = parseXml(document, { maxBytes: MAX_BYTES })
      const answer = new XmlWriter(root.name)
      for (const child of root.children) this.#copy(child, answer)
      return answer.finish()
    } catch (error) {
      if (error instanceof ProtocolError) return new S3Error('InternalError', 'The list of buckets cannot be read.')
      throw error
    }
  }

  #copy({ name, text, children }: XmlElement, answer: XmlWriter): void {
    if (children.length === 0 && name !== 'Buckets') {
      answer.leaf(name, text)
      return
    }
    answer.open(name)
    for (const child of children)
      if (child.name !== 'Bucket' || this.#shows(child.textOf('Name') ?? '')) this.#copy(child, answer)
    answer.close()
  }
}
