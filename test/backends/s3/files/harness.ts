/** A file store in a temporary folder, and a client of it without HTTP: what a listener would do, at the store's own door. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { classify, parseXml, type XmlElement } from '../../../../codecs/s3/index.ts'
import { FileStore } from '../../../../src/backends/s3/files/index.ts'
import type { StoreExchange, StoreRequest, StoreResponse, StoreSink } from '../../../../src/backends/s3/store.ts'
import type { ProxyError } from '../../../../src/errors.ts'
import { silentLogger } from '../../../../src/observability/logger.ts'
import { systemClock } from '../../../../src/protocol.ts'

export interface Asked {
  readonly key?: string
  readonly query?: Readonly<Record<string, string | number>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** What of StoreBody is to be other than the body says. */
  readonly announced?: Partial<StoreRequest['body']>
  readonly trailer?: string
  /** Sends the body in pieces of so many bytes; without, it is given with the request. */
  readonly pieces?: number
}

export class Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer

  constructor({ status, headers }: StoreResponse, body: Buffer) {
    this.status = status
    const pairs: [string, string][] = []
    for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i]!, headers[i + 1]!])
    this.headers = Object.fromEntries(pairs)
    this.body = body
  }

  get text(): string {
    return this.body.toString()
  }

  get xml(): XmlElement {
    return parseXml(this.body)
  }

  /** The code of an error; empty for none. */
  get code(): string {
    return this.status < 300 ? '' : (this.xml.textOf('Code') ?? '')
  }
}

/** Hears an answer to its end. */
export class Recorder implements StoreSink {
  readonly answer: Promise<Got>
  exchange: StoreExchange | undefined
  readonly #feed: ((exchange: StoreExchange) => void) | undefined
  #resolve!: (got: Got) => void
  #reject!: (error: unknown) => void
  #head: StoreResponse | undefined
  readonly #body: Buffer[] = []

  constructor(feed?: (exchange: StoreExchange) => void) {
    this.#feed = feed
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  onContinue(): void {
    this.#feed?.(this.exchange!)
  }

  onDrain(): void {
    this.#feed?.(this.exchange!)
  }

  onHead(response: StoreResponse): void {
    if (this.#head) this.#reject(new Error('two heads'))
    this.#head = response
  }

  /** Refuses more after each piece, as a slow reader does. */
  onData(bytes: Buffer, owned: boolean): boolean {
    this.#body.push(owned ? bytes : Buffer.from(bytes))
    setImmediate(() => this.exchange!.resume())
    return false
  }

  onEnd(): void {
    const body = Buffer.concat(this.#body)
    if (body.length > 0 && body.length !== this.#head!.length) this.#reject(new Error('another length than announced'))
    this.#resolve(new Got(this.#head!, body))
  }

  onFailed(error: ProxyError): void {
    this.#reject(error)
  }
}

export class Client {
  readonly directory: string
  store: FileStore
  #requests = 0
  now = Date.UTC(2026, 10, 28, 4)
  /** Where the application believes to be. */
  region = 'us-east-1'

  constructor(directory = mkdtempSync(join(tmpdir(), 'portolan-s3-files-'))) {
    this.directory = directory
    this.store = this.#newStore()
  }

  static async started(): Promise<Client> {
    const client = new Client()
    await client.store.start()
    afterAll(async () => {
      await client.store.close(1_000)
      rmSync(client.directory, { recursive: true, force: true })
    })
    return client
  }

  /** As after a restart of the process. */
  async reopen(): Promise<void> {
    await this.store.close(1_000)
    this.store = this.#newStore()
    await this.store.start()
  }

  ask(method: string, bucket: string, asked: Asked = {}): Promise<Got> {
    return this.begin(method, bucket, asked).answer
  }

  put(bucket: string, key: string, body: Buffer | string = '', asked: Asked = {}): Promise<Got> {
    return this.ask('PUT', bucket, { key, body, ...asked })
  }

  get(bucket: string, key: string, asked: Asked = {}): Promise<Got> {
    return this.ask('GET', bucket, { key, ...asked })
  }

  async list(
    bucket: string,
    query: Asked['query'] = {},
  ): Promise<{ keys: string[]; prefixes: string[]; xml: XmlElement }> {
    const { xml } = await this.ask('GET', bucket, { query: { 'list-type': 2, ...query } })
    const keys = xml.all('Contents').map(object => object.textOf('Key')!)
    const prefixes = xml.all('CommonPrefixes').map(prefix => prefix.textOf('Prefix')!)
    return { keys, prefixes, xml }
  }

  begin(method: string, bucket: string, asked: Asked): Recorder {
    const bytes = Buffer.from(asked.body ?? '')
    const request = this.request(method, bucket, asked, bytes)
    let at = 0
    const recorder = new Recorder(exchange => {
      if (asked.pieces === undefined) throw new Error('asked for a body that was given')
      while (at < bytes.length) {
        const piece = bytes.subarray(at, at + asked.pieces)
        at += piece.length
        if (!exchange.write(piece, false)) return
      }
      exchange.end(asked.trailer)
    })
    recorder.exchange = this.store.open(request, recorder)
    return recorder
  }

  request(method: string, bucket: string, asked: Asked, bytes: Buffer): StoreRequest {
    const query = Object.entries(asked.query ?? {}).flatMap(([name, value]) => [name, String(value)])
    const headers = Object.entries(asked.headers ?? {}).flat()
    const key = asked.key ?? ''
    return {
      method,
      operation: classify({ method, bucket, key, query, headers }),
      bucket,
      key,
      query,
      headers,
      body: {
        length: bytes.length,
        sha256: undefined,
        trailer: undefined,
        bytes: asked.pieces === undefined ? bytes : undefined,
        ...asked.announced,
      },
      requestId: `request-${++this.#requests}`,
      region: this.region,
      origin: 'http://localhost:9000',
    }
  }

  #newStore(): FileStore {
    const runtime = { logger: silentLogger, clock: systemClock }
    return new FileStore({ dataDirectory: this.directory, now: () => this.now }, runtime)
  }
}
