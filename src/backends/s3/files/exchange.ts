/** A request under way in the file store: its body goes in, its operation runs, its answer goes out. */

import { ProtocolError } from '../../../../codecs/codec.ts'
import { S3Error } from '../../../../codecs/s3/index.ts'
import { ProxyError } from '../../../errors.ts'
import type { Logger } from '../../../observability/logger.ts'
import type { StoreExchange, StoreRequest, StoreSink } from '../store.ts'
import { type Answer, errorAnswer, type Stretch } from './answer.ts'
import { Call } from './call.ts'
import { hasCode } from './durable.ts'
import { Aborted, Intake } from './intake.ts'
import { operationOf } from './operations/index.ts'
import type { Volume } from './volume.ts'

/** What is read at a time; the memory of an answer under way. */
const CHUNK_BYTES = 256 * 1024

export class FileExchange implements StoreExchange {
  readonly #request: StoreRequest
  readonly #sink: StoreSink
  readonly #logger: Logger
  readonly #intake: Intake
  #phase: 'asking' | 'answering' | 'over' = 'asking'
  #continued: boolean
  #onResume: (() => void) | undefined

  constructor(request: StoreRequest, sink: StoreSink, logger: Logger) {
    this.#request = request
    this.#sink = sink
    this.#logger = logger
    this.#intake = new Intake(() => sink.onDrain())
    const { bytes, length } = request.body
    // What is here, or empty, needs no invitation.
    this.#continued = bytes !== undefined || length === 0
    if (bytes) this.#intake.give(bytes)
    else if (length === 0) this.#intake.end(undefined)
  }

  /** Never rejects. */
  async run(volume: Promise<Volume>, now: () => number): Promise<void> {
    try {
      const answer = await this.#answer(await volume, now())
      // The rest of a body that nobody has wanted.
      this.#intake.refuse()
      await this.#send(answer)
    } catch (error) {
      this.#fail(error)
    }
  }

  write(bytes: Buffer, owned: boolean): boolean {
    return this.#intake.write(bytes, owned)
  }

  end(trailer: string | undefined): void {
    this.#intake.end(trailer)
  }

  resume(): void {
    const resume = this.#onResume
    this.#onResume = undefined
    resume?.()
  }

  abort(): void {
    this.#phase = 'over'
    this.#intake.abort()
    this.resume()
  }

  /** Ends it although both sides would go on. */
  cut(): void {
    if (this.#isOver) return
    this.abort()
    this.#sink.onFailed(new ProxyError('closed', 'the embedded store is closing', { source: 'portolan' }))
  }

  async #answer(volume: Volume, time: number): Promise<Answer> {
    const request = this.#request
    try {
      const call = new Call(request, volume, time, this.#intake, () => this.#continue())
      return await operationOf(request.operation.name)(call)
    } catch (error) {
      const resource = request.key === '' ? `/${request.bucket}` : `/${request.bucket}/${request.key}`
      return errorAnswer(this.#inWordsOfS3(error), resource, request.requestId)
    }
  }

  #inWordsOfS3(error: unknown): S3Error {
    if (error instanceof S3Error) return error
    if (error instanceof Aborted) throw error
    if (error instanceof ProtocolError) return new S3Error('MalformedXML', error.message)
    const { operation, requestId } = this.#request
    if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) {
      this.#logger.error({ operation: operation.name, requestId }, 'the disk of the embedded store is full')
      return new S3Error('InsufficientStorage')
    }
    this.#logger.error({ err: error, operation: operation.name, requestId }, 'the embedded store has failed')
    return new S3Error('InternalError')
  }

  #continue(): void {
    if (this.#continued || this.#phase !== 'asking') return
    this.#continued = true
    this.#sink.onContinue()
  }

  async #send({ status, headers, body, length, errorCode }: Answer): Promise<void> {
    const isBodyless = this.#request.method === 'HEAD' || status === 304
    try {
      if (this.#phase === 'over') return
      this.#phase = 'answering'
      const size = body === undefined ? (length ?? 0) : Buffer.isBuffer(body) ? body.length : body.end - body.start
      this.#sink.onHead({ status, headers, length: size, errorCode })
      if (body !== undefined && !isBodyless && size > 0) {
        if (Buffer.isBuffer(body)) await this.#pass(body, true)
        else await this.#stream(body)
      }
    } finally {
      if (body !== undefined && !Buffer.isBuffer(body)) await body.content.close()
    }
    if (this.#isOver) return
    this.#phase = 'over'
    this.#sink.onEnd()
  }

  async #stream({ content, start, end }: Stretch): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - start))
    const isWhole = end - start <= CHUNK_BYTES
    for (let at = start; at < end; ) {
      const read = await content.read(buffer.subarray(0, end - at), at)
      if (read === 0) throw new Error('the object has fewer bytes than its record says')
      at += read
      await this.#pass(buffer.subarray(0, read), isWhole && read === buffer.length)
      if (this.#isOver) return
    }
  }

  async #pass(bytes: Buffer, owned: boolean): Promise<void> {
    if (this.#isOver || this.#sink.onData(bytes, owned) || this.#isOver) return
    await new Promise<void>(resolve => {
      this.#onResume = resolve
    })
  }

  /** A getter, as the phase may change while something is awaited. */
  get #isOver(): boolean {
    return this.#phase === 'over'
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#phase = 'over'
    this.#intake.refuse()
    if (error instanceof ProxyError) return this.#sink.onFailed(error)
    const { operation, requestId } = this.#request
    this.#logger.error({ err: error, operation: operation.name, requestId }, 'the embedded store has failed')
    const message = 'the embedded store could not read what it has'
    this.#sink.onFailed(new ProxyError('store-failed', message, { source: 'upstream', cause: error }))
  }
}
