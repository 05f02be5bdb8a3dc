/** The list of buckets: of every backend that has some, put together, and cut down to those that a key may name. */
import { ProtocolError } from '../../codecs/codec.ts'
import { parseXml, S3Error, valueIn, type XmlElement, XmlWriter } from '../../codecs/s3/index.ts'
import type { Store, StoreExchange, StoreRequest, StoreResponse, StoreSink } from '../../src/backends/s3/index.ts'
import type { ProxyError } from '../../src/errors.ts'

/** AWS lists 10,000 buckets at most on one page. */
const MAX_BYTES = 16 * 1024 * 1024
/** What pages are asked by: of several lists they are cut here. */
const PAGING: ReadonlySet<string> = new Set(['max-buckets', 'continuation-token'])

export interface BucketSource {
  readonly store: Store
  /** Whether the list may name that bucket as one of this store's. */
  shows(bucket: string): boolean
}

interface Answer {
  readonly response: StoreResponse
  readonly document: Buffer
}

/** Asks all of them at once, and answers when the last one has. */
export class BucketList implements StoreExchange {
  readonly #request: StoreRequest
  readonly #sources: readonly BucketSource[]
  readonly #sink: StoreSink
  readonly #exchanges: StoreExchange[] = []
  readonly #answers: (Answer | undefined)[]
  #waiting: number
  #isOver = false

  constructor(request: StoreRequest, sources: readonly BucketSource[], sink: StoreSink) {
    this.#request = request
    this.#sources = sources
    this.#sink = sink
    this.#answers = sources.map(() => undefined)
    this.#waiting = sources.length
  }

  /** Throws S3Error for what one of them cannot do. */
  begin(): void {
    const { query } = this.#request
    const request = this.#isOne ? this.#request : { ...this.#request, query: withoutPaging(query) }
    try {
      for (const [at, { store }] of this.#sources.entries()) {
        if (this.#isOver) return
        this.#exchanges.push(store.open(request, new Gathering(answer => this.#take(at, answer))))
      }
    } catch (error) {
      this.abort()
      throw error
    }
  }

  write(): boolean {
    return true
  }

  end(): void {}

  resume(): void {}

  abort(): void {
    this.#isOver = true
    for (const exchange of this.#exchanges) exchange.abort()
  }

  get #isOne(): boolean {
    return this.#sources.length === 1
  }

  #take(at: number, answer: Answer | ProxyError | S3Error): void {
    if (this.#isOver) return
    if (answer instanceof Error) return this.#fail(answer)
    this.#answers[at] = answer
    if (--this.#waiting > 0) return
    const made = this.#made()
    if (made instanceof Error) return this.#fail(made)
    this.#isOver = true
    const { response, document } = made
    this.#sink.onHead({ ...response, length: document.length, bodyFollows: document.length > 0 })
    if (document.length > 0) this.#sink.onData(document, true)
    this.#sink.onEnd()
  }

  #fail(error: ProxyError | S3Error): void {
    this.abort()
    this.#sink.onFailed(error)
  }

  /** A store that lets its buckets be listed by nobody has none to show, unless there is no other. */
  #made(): Answer | S3Error {
    const answers = this.#answers as readonly Answer[]
    const listed = answers.filter(({ response }) => response.status !== 403)
    const refused = listed.find(({ response }) => response.status >= 300)
    if (refused || listed.length === 0) return refused ?? answers[0]!
    try {
      return { response: listed[0]!.response, document: this.#merged(answers) }
    } catch (error) {
      // What cannot be read is not shown either.
      if (error instanceof ProtocolError) return new S3Error('InternalError', 'A list of buckets cannot be read.')
      throw error
    }
  }

  #merged(answers: readonly Answer[]): Buffer {
    const buckets: { readonly name: string; readonly element: XmlElement }[] = []
    let frame: XmlElement | undefined
    answers.forEach(({ response, document }, at) => {
      if (response.status >= 300) return
      const root = parseXml(document, { maxBytes: MAX_BYTES })
      frame ??= root
      for (const element of root.child('Buckets')?.all('Bucket') ?? []) {
        const name = element.textOf('Name') ?? ''
        if (this.#sources[at]!.shows(name)) buckets.push({ name, element })
      }
    })
    return this.#isOne ? written(frame!, buckets, undefined) : this.#page(frame!, buckets)
  }

  /** Of several lists, in the order of names. A page goes on behind the last name of the one before. */
  #page(frame: XmlElement, all: readonly { readonly name: string; readonly element: XmlElement }[]): Buffer {
    const { query } = this.#request
    const behind = Buffer.from(valueIn(query, 'continuation-token') ?? '', 'base64url').toString()
    const prefix = valueIn(query, 'prefix') ?? ''
    const most = Number(valueIn(query, 'max-buckets') ?? 10_000)
    const rest = all
      .filter(({ name }) => name > behind && name.startsWith(prefix))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const page = rest.slice(0, Number.isInteger(most) && most > 0 ? most : 10_000)
    const token = page.length < rest.length ? Buffer.from(page.at(-1)!.name).toString('base64url') : undefined
    return written(frame, page, token)
  }
}

/** What else the list says stays, but for where several of them go on. */
function written(
  frame: XmlElement,
  buckets: readonly { readonly element: XmlElement }[],
  token: string | undefined,
): Buffer {
  const answer = new XmlWriter(frame.name)
  for (const child of frame.children) {
    if (child.name !== 'Buckets') answer.copy(child)
    else {
      answer.open('Buckets')
      for (const { element } of buckets) answer.copy(element)
      answer.close()
    }
  }
  return answer.leaf('ContinuationToken', token).finish()
}

function withoutPaging(query: readonly string[]): readonly string[] {
  return query.filter((_, at, all) => !PAGING.has(all[at - (at % 2)]!))
}

/** Reads one answer whole. */
class Gathering implements StoreSink {
  readonly #done: (answer: Answer | ProxyError | S3Error) => void
  #response: StoreResponse | undefined
  #pieces: Buffer[] | undefined = []
  #bytes = 0

  constructor(done: (answer: Answer | ProxyError | S3Error) => void) {
    this.#done = done
  }

  onContinue(): void {}

  onDrain(): void {}

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
    if (this.#pieces) this.#done({ response: this.#response!, document: Buffer.concat(this.#pieces) })
    else this.#done(new S3Error('InternalError', 'A list of buckets is too long.'))
  }

  onFailed(error: ProxyError | S3Error): void {
    this.#done(error)
  }
}
