/** The body of a request on its way to a file: a bounded queue between who writes and who takes. */
import { S3Error } from '../../../../codecs/s3/index.ts'

/** What may wait to be written to the disk. */
const MAX_QUEUED_BYTES = 1024 * 1024

/** The application has left: there is nobody to answer. */
export class Aborted extends Error {
  override readonly name = 'Aborted'
}

export class Intake {
  readonly #onDrain: () => void
  #queue: Buffer[] = []
  #queuedBytes = 0
  #isFull = false
  #phase: 'open' | 'ended' | 'aborted' | 'unwanted' = 'open'
  #trailer: string | undefined
  #wake: (() => void) | undefined

  constructor(onDrain: () => void) {
    this.#onDrain = onDrain
  }

  /** What the end of the body said of its checksum. */
  get trailer(): string | undefined {
    return this.#trailer
  }

  get isAborted(): boolean {
    return this.#phase === 'aborted'
  }

  /** False when enough is waiting. */
  write(bytes: Buffer, owned: boolean): boolean {
    if (this.#phase !== 'open' || bytes.length === 0) return true
    this.#queue.push(owned ? bytes : Buffer.from(bytes))
    this.#queuedBytes += bytes.length
    this.#isFull = this.#queuedBytes >= MAX_QUEUED_BYTES
    this.#wakeUp()
    return !this.#isFull
  }

  /** The whole body at once: nobody waits to write more. */
  give(bytes: Buffer): void {
    if (bytes.length > 0) this.#queue.push(bytes)
    this.end(undefined)
  }

  end(trailer: string | undefined): void {
    if (this.#phase !== 'open') return
    this.#trailer = trailer
    this.#phase = 'ended'
    this.#wakeUp()
  }

  abort(): void {
    this.#phase = 'aborted'
    this.#drop()
    this.#wakeUp()
  }

  /** The answer is known without the rest: it is dropped as it comes. */
  refuse(): void {
    if (this.#phase === 'aborted') return
    this.#phase = 'unwanted'
    this.#drop()
  }

  /** All that is waiting, at least something; undefined at the end. Throws Aborted. One caller at a time. */
  async take(): Promise<readonly Buffer[] | undefined> {
    while (this.#queue.length === 0 && this.#phase === 'open') {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    if (this.#phase === 'aborted') throw new Aborted()
    const taken = this.#queue
    if (taken.length === 0) return undefined
    this.#queue = []
    this.#drop()
    return taken
  }

  /** A whole small body. Throws an S3Error beyond `maxBytes`. */
  async collect(maxBytes: number): Promise<Buffer> {
    const all: Buffer[] = []
    let total = 0
    for (let taken = await this.take(); taken; taken = await this.take()) {
      for (const bytes of taken) total += bytes.length
      if (total > maxBytes) throw new S3Error('MalformedXML', `The document is larger than ${maxBytes} bytes.`)
      all.push(...taken)
    }
    return Buffer.concat(all)
  }

  #drop(): void {
    this.#queue = []
    this.#queuedBytes = 0
    if (!this.#isFull) return
    this.#isFull = false
    if (this.#phase !== 'aborted') this.#onDrain()
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
