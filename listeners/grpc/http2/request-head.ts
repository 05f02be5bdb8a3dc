/** The head of a request, checked as RFC 9113, section 8, demands. */
import { FieldLimits, type FieldSink } from '../../../codecs/http2/index.ts'

export type Field = readonly [name: string, value: string]

export interface RequestHead {
  readonly method: string
  readonly path: string
  readonly contentType: string
  /** Without pseudo fields, in their order. */
  readonly fields: readonly Field[]
}

/** Fields that concern one connection of HTTP/1. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const PSEUDO = [':method', ':scheme', ':path', ':authority'] as const
const MAX_FIELDS = 256
const ENTRY_BYTES = 32
/** A token in lower case. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const BAD_VALUE = /[\0\r\n]/

/** Takes the fields of one block after the other. */
export class HeadReader implements FieldSink {
  /** Names that were found to be good: most come with every request. Bounded. */
  readonly #goodNames = new Set<string>()
  #fields: Field[] = []
  #pseudo: Record<(typeof PSEUDO)[number], string | undefined> = nothing()
  #contentType = ''
  #contentLength: number | undefined
  #bytes = 0
  #malformed = false
  #tooLarge = false

  begin(): void {
    this.#fields = []
    this.#pseudo = nothing()
    this.#contentType = ''
    this.#contentLength = undefined
    this.#bytes = 0
    this.#malformed = false
    this.#tooLarge = false
  }

  /** Whether the list was longer than its limit; what is beyond was not kept. */
  get tooLarge(): boolean {
    return this.#tooLarge
  }

  get contentLength(): number | undefined {
    return this.#contentLength
  }

  onField(name: string, value: string): void {
    this.#bytes += name.length + value.length + ENTRY_BYTES
    if (this.#bytes > FieldLimits.listBytes || this.#fields.length >= MAX_FIELDS) {
      this.#tooLarge = true
      return
    }
    if (name.charCodeAt(0) === 0x3a) return this.#takePseudo(name, value)
    if (!this.#isGoodName(name) || BAD_VALUE.test(value) || FORBIDDEN.has(name)) this.#malformed = true
    else if (name === 'te' && value !== 'trailers') this.#malformed = true
    else if (name === 'content-type') this.#contentType = value
    else if (name === 'content-length') this.#takeLength(value)
    this.#fields.push([name, value])
  }

  #takePseudo(name: string, value: string): void {
    const known = name as (typeof PSEUDO)[number]
    if (!PSEUDO.includes(known) || this.#pseudo[known] !== undefined || this.#fields.length > 0) this.#malformed = true
    else this.#pseudo[known] = value
  }

  #takeLength(value: string): void {
    const length = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (Number.isNaN(length) || (this.#contentLength ?? length) !== length) this.#malformed = true
    else this.#contentLength = length
  }

  #isGoodName(name: string): boolean {
    if (this.#goodNames.has(name)) return true
    if (!NAME.test(name)) return false
    if (this.#goodNames.size < MAX_FIELDS) this.#goodNames.add(name)
    return true
  }

  /** Undefined for what is no request. */
  head(): RequestHead | undefined {
    const { ':method': method, ':scheme': scheme, ':path': path } = this.#pseudo
    if (this.#malformed || !method || !scheme || !path) return undefined
    return { method, path, contentType: this.#contentType, fields: this.#fields }
  }

  /** Whether it may stand behind a request's body. */
  isTrailer(): boolean {
    return !this.#malformed && PSEUDO.every(name => this.#pseudo[name] === undefined)
  }
}

function nothing(): Record<(typeof PSEUDO)[number], string | undefined> {
  return { ':method': undefined, ':scheme': undefined, ':path': undefined, ':authority': undefined }
}
