/** Answers on their way to one application: head and body in as few writes as go, the body framed where its length is unknown. */
import { CRLF, encodeChunkSize, encodeLastChunk } from '../../codecs/http1/index.ts'
import { type ByteStream, Pump, sharedScratch } from '../../src/net/index.ts'

/** Up to here head and body leave in one write: a copy costs less than a system call. */
const MAX_GATHERED_BYTES = 32 * 1024

export class AnswerWriter {
  readonly #pump: Pump
  readonly #sent: { value: number }
  /** The head of an answer that waits for the first bytes of its body. */
  #head = ''
  #isChunked = false
  #isClosed = false

  /** `sent` counts the bytes. */
  constructor(stream: ByteStream, sent: { value: number }, onDrained: () => void) {
    this.#pump = new Pump({ target: stream, onDrained })
    this.#sent = sent
  }

  /** Text or bytes that belong to no answer, or are a whole one. */
  writeOut(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.#write(bytes, undefined)
    else this.#push(bytes, true)
  }

  /** `follows`: the first bytes of the body come within the same call. */
  begin(head: string, isChunked: boolean, hasBody: boolean, follows: boolean): void {
    this.#head = head
    this.#isChunked = isChunked
    if (!hasBody) this.#flushHead()
    // Most bodies come in this turn even so; else the head leaves alone.
    else if (!follows) process.nextTick(this.#flushHead)
  }

  /** False: no more until onDrained. */
  write(bytes: Buffer, owned: boolean): boolean {
    if (this.#isClosed) return true
    if (bytes.length === 0) return !this.#pump.full
    const head = this.#head
    this.#head = ''
    if (this.#isChunked) return this.#writeChunk(head + encodeChunkSize(bytes.length), bytes, owned)
    if (head === '') return this.#push(bytes, owned)
    if (head.length + bytes.length <= MAX_GATHERED_BYTES) return this.#write(head, bytes)
    this.#write(head, undefined)
    return this.#push(bytes, owned)
  }

  #writeChunk(before: string, bytes: Buffer, owned: boolean): boolean {
    if (before.length + bytes.length + CRLF.length <= MAX_GATHERED_BYTES) {
      const gathered = Buffer.allocUnsafe(before.length + bytes.length + CRLF.length)
      gathered.write(before, 0, 'latin1')
      bytes.copy(gathered, before.length)
      gathered.write(CRLF, before.length + bytes.length, 'latin1')
      return this.#push(gathered, true)
    }
    this.#write(before, undefined)
    const goOn = this.#push(bytes, owned)
    return this.#write(CRLF, undefined) && goOn
  }

  end(): void {
    this.#flushHead()
    if (this.#isChunked) this.#write(encodeLastChunk(), undefined)
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true
  }

  readonly #flushHead = (): void => {
    const head = this.#head
    if (head === '' || this.#isClosed) return
    this.#head = ''
    this.#write(head, undefined)
  }

  #write(text: string, body: Buffer | undefined): boolean {
    this.#sent.value += text.length + (body ? body.length : 0)
    return sharedScratch.push(this.#pump, text, body)
  }

  #push(bytes: Buffer, owned: boolean): boolean {
    this.#sent.value += bytes.length
    return this.#pump.push(bytes, owned)
  }
}
