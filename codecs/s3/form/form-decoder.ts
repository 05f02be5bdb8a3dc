/**
 * A form that a browser posts, RFC 7578, as S3 takes it: fields first, then the file, whose bytes pass as views.
 *
 *     --boundary\r\n
 *     Content-Disposition: form-data; name="key"\r\n
 *     \r\n
 *     photos/${filename}\r\n
 *     --boundary--\r\n
 */
import { S3Error } from '../errors.ts'

export interface FormSink {
  /** A field before the file; its name in lower case. */
  onField(name: string, value: string): void
  /** The file begins, at that position of the form; all fields have come. */
  onFile(filename: string, contentType: string | undefined, position: number): void
  /** Bytes of the file, the sink's only until it returns. */
  onData(view: Buffer): void
  /** The file is over: what follows belongs to nothing. */
  onFileEnd(): void
}

/** Of S3: all that stands before the file. */
const MAX_FIELDS_BYTES = 20 * 1024
const MAX_FIELDS = 100
const EMPTY = Buffer.alloc(0)

type Phase = 'delimiter' | 'headers' | 'field' | 'file' | 'ended'

export class FormDecoder {
  readonly #sink: FormSink
  readonly #delimiter: Buffer
  #phase: Phase = 'delimiter'
  /** What cannot be judged yet: of a header, a field, or the beginning of a delimiter. */
  #kept: Buffer
  #field = ''
  #taken = 0
  #fields = 0

  constructor(boundary: string, sink: FormSink) {
    this.#sink = sink
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    // The first delimiter has no line before it.
    this.#kept = Buffer.from('\r\n', 'latin1')
  }

  /** Bytes of a form whose file is the last part, beside the file: what follows it when nothing unusual does. */
  get closingBytes(): number {
    return this.#delimiter.length + 4
  }

  /** Takes bytes. Throws S3Error. */
  write(view: Buffer): void {
    let bytes: Buffer = this.#kept.length === 0 ? view : Buffer.concat([this.#kept, view])
    this.#kept = EMPTY
    this.#taken += view.length
    while (bytes.length > 0 && this.#phase !== 'ended') {
      const rest = this.#step(bytes)
      if (rest === undefined) return
      bytes = rest
    }
  }

  /** The body is over. Throws S3Error when the form is not. */
  end(): void {
    if (this.#phase === 'ended') return
    if (this.#phase === 'file') throw new S3Error('IncompleteBody')
    throw new S3Error('UserKeyMustBeSpecified', 'POST requires exactly one file upload per request, behind all fields.')
  }

  /** Returns what is left, or undefined when more has to come. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#phase) {
      case 'delimiter':
        return this.#readDelimiter(bytes)
      case 'headers':
        return this.#readHeaders(bytes)
      case 'field':
        return this.#readField(bytes)
      default:
        return this.#readFile(bytes)
    }
  }

  #readDelimiter(bytes: Buffer): Buffer | undefined {
    const { length } = this.#delimiter
    if (bytes.length < length + 2) return this.#keep(bytes)
    if (!bytes.subarray(0, length).equals(this.#delimiter)) throw malformed()
    const end = bytes.toString('latin1', length, length + 2)
    if (end === '--') throw new S3Error('IncorrectNumberOfFilesInPostRequest')
    if (end !== '\r\n') throw malformed()
    this.#phase = 'headers'
    return bytes.subarray(length + 2)
  }

  #readHeaders(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf('\r\n\r\n')
    if (end < 0) return this.#keep(bytes)
    if (++this.#fields > MAX_FIELDS) throw new S3Error('MaxPostPreDataLengthExceededError')
    const { name, filename, contentType } = readHeaders(bytes.toString('utf8', 0, end))
    if (name === 'file') {
      this.#phase = 'file'
      this.#sink.onFile(filename, contentType, this.#taken - (bytes.length - end - 4))
    } else {
      this.#phase = 'field'
      this.#field = name
    }
    return bytes.subarray(end + 4)
  }

  #readField(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(this.#delimiter)
    if (end < 0) return this.#keep(bytes)
    this.#phase = 'delimiter'
    this.#sink.onField(this.#field, bytes.toString('utf8', 0, end))
    return bytes.subarray(end)
  }

  #readFile(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(this.#delimiter)
    if (end >= 0) {
      this.#phase = 'ended'
      if (end > 0) this.#sink.onData(bytes.subarray(0, end))
      this.#sink.onFileEnd()
      return EMPTY
    }
    const kept = this.#beginning(bytes)
    if (kept < bytes.length) this.#sink.onData(bytes.subarray(0, bytes.length - kept))
    this.#kept = Buffer.from(bytes.subarray(bytes.length - kept))
    return undefined
  }

  /** How many of the last bytes may be the beginning of a delimiter. */
  #beginning(bytes: Buffer): number {
    const most = Math.min(bytes.length, this.#delimiter.length - 1)
    for (let length = most; length > 0; length--) {
      if (bytes.subarray(bytes.length - length).equals(this.#delimiter.subarray(0, length))) return length
    }
    return 0
  }

  #keep(bytes: Buffer): undefined {
    if (bytes.length > MAX_FIELDS_BYTES || this.#taken > 2 * MAX_FIELDS_BYTES)
      throw new S3Error('MaxPostPreDataLengthExceededError')
    this.#kept = Buffer.from(bytes)
    return undefined
  }
}

const BOUNDARY = /;\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))/i

/** Of the Content-Type of a form. Throws S3Error. */
export function formBoundary(contentType: string): string {
  const match = BOUNDARY.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw new S3Error('RequestIsNotMultiPartContent')
  return boundary
}

const DISPOSITION = /^content-disposition:\s*form-data\s*;(.*)$/im
const NAME = /(?:^|[;\s])name="([^"]*)"/i
const FILENAME = /(?:^|[;\s])filename="([^"]*)"/i
const TYPE = /^content-type:\s*(.*?)\s*$/im

function readHeaders(text: string): { name: string; filename: string; contentType: string | undefined } {
  const disposition = DISPOSITION.exec(text)?.[1] ?? ''
  const name = NAME.exec(disposition)?.[1]
  if (name === undefined) throw malformed()
  // Some browsers send the whole path.
  const filename = (FILENAME.exec(disposition)?.[1] ?? '').replace(/^.*[\\/]/, '')
  return { name: name.toLowerCase(), filename, contentType: TYPE.exec(text)?.[1] }
}

function malformed(): S3Error {
  return new S3Error('MalformedPOSTRequest')
}
