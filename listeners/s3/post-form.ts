/**
 * An upload by a posted form: its fields say who, where and what, and then the file comes. It becomes a PutObject. A small
 * form is read whole before; of others the length of the file is known, because nothing but the end of the form may follow.
 */
import {
  type Checksum,
  checkPostPolicy,
  createChecksum,
  encodePath,
  FormDecoder,
  headerIn,
  parseXml,
  readBodyChecksum,
  S3Error,
  valueIn,
  XmlWriter,
} from '../../codecs/s3/index.ts'
import type { StoreResponse } from '../../src/backends/s3/index.ts'
import { headerText } from './header-text.ts'
import { HoldBack } from './hold-back.ts'

/** What the fields ask for. */
export interface Upload {
  /** Name in lower case, value .... */
  readonly fields: readonly string[]
  readonly key: string
  readonly headers: readonly string[]
  readonly length: number
  /** The file, when it is there already; then no payload follows. */
  readonly bytes: Buffer | undefined
  /** A checksum among the headers vouches for the file, and is compared here. */
  readonly isVouched: boolean
}

export interface PostFormSink {
  /** The fields are whole, and the policy allows them. Throws S3Error for who may not. */
  onUpload(upload: Upload): void
  onPayload(bytes: Buffer, owned: boolean): void
  onChecked(): void
}

/** Forms up to here are read whole, as bodies of that size are. */
const SMALL_BYTES = 64 * 1024
const LINE_BREAK = 2
/** Fields that become headers of the object; also those that begin as below. */
const HEADERS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-type',
  'expires',
  'x-amz-acl',
  'x-amz-checksum-crc32',
  'x-amz-checksum-crc32c',
  'x-amz-checksum-crc64nvme',
  'x-amz-checksum-sha1',
  'x-amz-checksum-sha256',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
])
const HEADERS_BEGIN = ['x-amz-meta-', 'x-amz-server-side-encryption', 'x-amz-object-lock-']

export class PostForm {
  readonly gathered = undefined
  readonly #decoder: FormDecoder
  readonly #sink: PostFormSink
  readonly #fields: string[] = []
  readonly #bucket: string
  readonly #formBytes: number
  readonly #now: number
  readonly #isSmall: boolean
  #upload: Omit<Upload, 'length' | 'bytes'> | undefined
  #expected: { readonly sum: Checksum; readonly value: string } | undefined
  #length = 0
  #bytes = 0
  /** Until the form is read or the store wants the file, what of it has come. */
  #early: Buffer[] | undefined = []
  #holdBack: HoldBack | undefined
  #isWhole = false
  #isOver = false

  /** `formBytes`: of the whole body. `now`: milliseconds of the calendar. */
  constructor(boundary: string, bucket: string, formBytes: number, now: number, sink: PostFormSink) {
    this.#sink = sink
    this.#formBytes = formBytes
    this.#isSmall = formBytes <= SMALL_BYTES
    this.#now = now
    this.#bucket = bucket
    this.#decoder = new FormDecoder(boundary, {
      onField: (name, value) => this.#fields.push(name, value),
      onFile: (filename, contentType, position) => this.#onFile(filename, contentType, position),
      onData: view => this.#take(view),
      onFileEnd: () => {
        this.#isWhole = true
      },
    })
  }

  /** Of the file. */
  get bytes(): number {
    return this.#length
  }

  write(view: Buffer): void {
    this.#decoder.write(view)
  }

  onTrailer(): void {}

  /** The store wants the file. */
  wanted(): void {
    if (this.#isSmall) return
    const early = this.#early ?? []
    this.#early = undefined
    for (const bytes of early) this.#holdBack!.pass(bytes, true)
    if (this.#isOver) this.#finish()
  }

  end(): void {
    this.#decoder.end()
    // The line break at the very end is optional, but of a large form that is known too late.
    const isUnbroken = this.#isSmall && this.#bytes === this.#length + LINE_BREAK
    if (!this.#isWhole || (this.#bytes !== this.#length && !isUnbroken))
      throw new S3Error('MalformedPOSTRequest', 'The file must be the last field of the form.')
    if (this.#isSmall) return this.#begin(this.#bytes, Buffer.concat(this.#early!))
    this.#isOver = true
    if (!this.#early) this.#finish()
  }

  #finish(): void {
    this.#compare()
    this.#holdBack!.release()
    this.#sink.onChecked()
  }

  #compare(): void {
    if (this.#expected && this.#expected.sum.base64() !== this.#expected.value) throw new S3Error('BadDigest')
  }

  echo(): void {}

  /** The answer to the browser: the object's, dressed as the form asks for. */
  answer(
    { headers }: StoreResponse,
    bucket: string,
    key: string,
    origin: string,
  ): { status: number; headers: string[]; document: Buffer } {
    const etag = headerIn(headers, 'etag') ?? ''
    const location = `${origin}/${bucket}/${encodePath(key)}`
    const common = ['ETag', etag, 'Location', location]
    const redirect = valueIn(this.#fields, 'success_action_redirect') ?? valueIn(this.#fields, 'redirect')
    if (redirect !== undefined && /^https?:\/\/[\x21-\x7e]+$/.test(redirect)) {
      const told = `bucket=${encodeURIComponent(bucket)}&key=${encodeURIComponent(key)}&etag=${encodeURIComponent(etag)}`
      const target = `${redirect}${redirect.includes('?') ? '&' : '?'}${told}`
      return { status: 303, headers: ['ETag', etag, 'Location', target], document: Buffer.alloc(0) }
    }
    const status = valueIn(this.#fields, 'success_action_status')
    if (status !== '201') return { status: status === '200' ? 200 : 204, headers: common, document: Buffer.alloc(0) }
    const document = new XmlWriter('PostResponse', '')
      .leaf('Location', location)
      .leaf('Bucket', bucket)
      .leaf('Key', key)
      .leaf('ETag', etag)
      .finish()
    return { status: 201, headers: [...common, 'Content-Type', 'application/xml'], document }
  }

  #onFile(filename: string, contentType: string | undefined, position: number): void {
    const named = valueIn(this.#fields, 'key')
    if (named === undefined || named === '') throw new S3Error('UserKeyMustBeSpecified')
    const key = named.replaceAll('${filename}', filename)
    const fields = this.#fields.map((text, at) => (at % 2 === 1 && this.#fields[at - 1] === 'key' ? key : text))
    const headers = headersOf(fields, contentType)
    const checksum = readBodyChecksum(headers)
    if (checksum) this.#expected = { sum: createChecksum(checksum.algorithm), value: checksum.value! }
    this.#upload = { fields, key, headers, isVouched: checksum !== undefined }
    this.#length = this.#formBytes - position - this.#decoder.closingBytes
    if (!this.#isSmall) this.#begin(this.#length, undefined)
  }

  #begin(length: number, bytes: Buffer | undefined): void {
    if (length < 0) throw new S3Error('MalformedPOSTRequest')
    this.#length = length
    const upload = this.#upload!
    const policy = valueIn(upload.fields, 'policy')
    if (policy !== undefined) this.#checkPolicy(policy, upload.fields)
    if (bytes) this.#compare()
    else this.#holdBack = new HoldBack(length, (piece, owned) => this.#sink.onPayload(piece, owned))
    this.#sink.onUpload({ ...upload, length, bytes })
  }

  #checkPolicy(policy: string, fields: readonly string[]): void {
    const { minBytes, maxBytes } = checkPostPolicy(policy, this.#bucket, fields, this.#now)
    const ProposedSize = String(this.#length)
    if (this.#length > maxBytes)
      throw new S3Error('EntityTooLarge', undefined, { ProposedSize, MaxSizeAllowed: String(maxBytes) })
    if (this.#length < minBytes)
      throw new S3Error('EntityTooSmall', undefined, { ProposedSize, MinSizeAllowed: String(minBytes) })
  }

  #take(view: Buffer): void {
    this.#bytes += view.length
    this.#expected?.sum.update(view)
    if (!this.#isSmall && this.#bytes > this.#length) throw new S3Error('MalformedPOSTRequest')
    if (this.#early) this.#early.push(Buffer.from(view))
    else this.#holdBack!.pass(view, false)
  }
}

/** Throws InvalidArgument for what can be no header. */
function headerValue(name: string, value: string): string {
  const text = headerText(name, value)
  if (text !== undefined) return text
  throw new S3Error('InvalidArgument', 'A field of the form cannot be a header.', { ArgumentName: name })
}

/** Forms have tags in XML, the header as a query. Throws ProtocolError. */
function taggingOf(document: string): string {
  const tags = parseXml(Buffer.from(document)).child('TagSet')?.all('Tag') ?? []
  return tags
    .map(tag => [tag.textOf('Key') ?? '', tag.textOf('Value') ?? ''].map(encodeURIComponent).join('='))
    .join('&')
}

function headersOf(fields: readonly string[], contentType: string | undefined): string[] {
  const headers: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] === 'acl' ? 'x-amz-acl' : fields[at]!
    const value = fields[at + 1]!
    if (name === 'tagging') headers.push('x-amz-tagging', taggingOf(value))
    else if (HEADERS.has(name) || HEADERS_BEGIN.some(beginning => name.startsWith(beginning)))
      headers.push(name, headerValue(name, value))
  }
  if (contentType !== undefined && valueIn(fields, 'content-type') === undefined)
    headers.push('content-type', contentType)
  return headers
}
