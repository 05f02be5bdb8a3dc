/** The body of a request on its way from the connection to whoever reads its payload: when it is wanted, and when it waits. */

/** Who takes it. Each may throw S3Error. */
export interface BodyReader {
  write(view: Buffer): void
  /** A trailer of HTTP's own framing, as some clients send that do not know S3's. */
  onTrailer(name: string, value: string): void
  end(): void
}

/** Where it comes from. */
export interface BodySource {
  sendContinue(): void
  pause(): void
  resume(): void
}

/** It comes before it is wanted, is read while it comes, or nobody wants it any more. */
type Phase = 'early' | 'wanted' | 'closed'

export class RequestBody {
  readonly #source: BodySource
  readonly #expectsContinue: boolean
  readonly #reader: BodyReader
  #phase: Phase = 'early'
  /** What of it came before it was wanted. */
  #early: Buffer[] = []
  #isOver = false
  /** The reader takes no more of it for now. */
  #isStalled = false

  constructor(source: BodySource, expectsContinue: boolean, reader: BodyReader) {
    this.#source = source
    this.#expectsContinue = expectsContinue
    this.#reader = reader
  }

  get isWanted(): boolean {
    return this.#phase === 'wanted'
  }

  /** From now on it is read. Throws S3Error, as what follows. */
  want(): void {
    if (this.#phase !== 'early') return
    this.#phase = 'wanted'
    if (this.#expectsContinue && !this.#isOver) this.#source.sendContinue()
    if (this.#early.length === 0 && !this.#isOver) return this.#goOn()
    const early = this.#early
    this.#early = []
    for (const bytes of early) if (this.isWanted) this.#reader.write(bytes)
    if (this.#isOver && this.isWanted) this.#reader.end()
    this.#goOn()
  }

  write(view: Buffer): void {
    if (this.#phase === 'wanted') this.#reader.write(view)
    else if (this.#phase === 'early') {
      this.#early.push(Buffer.from(view))
      this.#source.pause()
    }
  }

  onTrailer(name: string, value: string): void {
    if (this.#phase !== 'closed') this.#reader.onTrailer(name, value)
  }

  end(): void {
    this.#isOver = true
    if (this.#phase === 'wanted') this.#reader.end()
  }

  /** The reader takes no more until drained(). */
  stall(): void {
    this.#isStalled = true
    this.#source.pause()
  }

  drained(): void {
    this.#isStalled = false
    this.#source.resume()
  }

  /** What still comes is for nobody. */
  close(): void {
    this.#phase = 'closed'
    this.#early = []
  }

  #goOn(): void {
    if (!this.#isStalled) this.#source.resume()
  }
}
