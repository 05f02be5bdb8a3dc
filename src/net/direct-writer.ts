/**
 * Writes to a plain socket past its stream, whose books cost a small write about as much again as the system's own work
 * (bench/README.md, "writes past the stream"). It takes undocumented methods of the handle, the same from Node 20 to 26
 * since Node's own streams call them; until one of them was seen at work, and where one is missing, the stream is used.
 */
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { getSystemErrorName } from 'node:util'

/** What Node's handle of a connection offers. */
interface Handle {
  /** 0, or a negative number for an error. The request is not used when the kernel has taken all bytes at once. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
}

interface WriteRequest {
  oncomplete?: (status: number) => void
  /** Keeps what is being written from being collected. */
  buffer?: Uint8Array
  /** Above 0 while the request is in use. */
  getAsyncId(): number
}

/** The class of requests, as it was seen in a write of a stream. */
let WriteRequestClass: (new () => WriteRequest) | undefined
/** One that was not used yet, for whoever writes next. */
let spare: WriteRequest | undefined

export class DirectWriter {
  readonly #target: Writable
  readonly #onWritten: () => void
  readonly #onFailed: ((error: Error) => void) | undefined
  /** A handle of its own that takes bytes as they are. */
  readonly #isPlain: boolean
  /** Something may wait in the stream, which has to leave before. */
  #streams = true

  /**
   * `onWritten` is called when bytes that had to wait have left, or never will. `onFailed` hears of a write past the
   * stream that failed: without it the target is destroyed, and with it what its peer said before is not read any more.
   */
  constructor(target: Writable, onWritten: () => void, onFailed?: (error: Error) => void) {
    this.#target = target
    this.#onWritten = onWritten
    this.#onFailed = onFailed
    this.#isPlain = target instanceof Socket && !(target instanceof TLSSocket)
  }

  /** Memory of someone else's can be written out of: nothing but the kernel copies it. */
  get writesViews(): boolean {
    return this.#isPlain && WriteRequestClass !== undefined
  }

  /** Bytes that have not left yet. */
  get waiting(): number {
    return this.#streams ? this.#target.writableLength : (handleOf(this.#target)?.writeQueueSize ?? 0)
  }

  /** Writes, and tells how many bytes wait by now. */
  write(bytes: Uint8Array): number {
    const target = this.#target
    if (this.#streams && !this.#passStream()) {
      target.write(bytes, this.#onWritten)
      return target.writableLength
    }
    const handle = handleOf(target)
    // Closed: nobody is left to be told.
    if (handle === null) return 0
    const request = spare ?? new WriteRequestClass!()
    spare = undefined
    const status = handle.writeBuffer(request, bytes)
    if (status !== 0) {
      this.#fail(status)
      return 0
    }
    // Not used: the kernel has taken all at once. It may also have taken a part, and the rest at the second try.
    if (request.getAsyncId() <= 0) {
      spare = request
      return 0
    }
    const waiting = handle.writeQueueSize
    if (waiting > 0) {
      request.buffer = bytes
      request.oncomplete = this.#onComplete
    }
    return waiting
  }

  /** True when the stream is not needed any more. */
  #passStream(): boolean {
    const target = this.#target as Socket
    const handle = handleOf(target)
    if (!this.#isPlain || handle === null || target.connecting || target.writableLength > 0) return false
    if (typeof handle.writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return false
    if (WriteRequestClass === undefined) {
      watch(handle)
      return false
    }
    this.#streams = false
    return true
  }

  readonly #onComplete = (status: number): void => {
    if (status < 0) this.#fail(status)
    this.#onWritten()
  }

  #fail(status: number): void {
    if (this.#target.destroyed) return
    const code = getSystemErrorName(status)
    const error = Object.assign(new Error(`write ${code}`), { code, syscall: 'write' })
    if (this.#onFailed) this.#onFailed(error)
    else this.#target.destroy(error)
  }
}

function handleOf(target: Writable): Handle | null {
  return (target as Writable & { readonly _handle?: Handle | null })._handle ?? null
}

/** Sees which class of requests the stream's next write uses. */
function watch(handle: Handle): void {
  handle.writeBuffer = function (this: Handle, request, bytes) {
    Reflect.deleteProperty(this, 'writeBuffer')
    if (typeof request.getAsyncId === 'function') WriteRequestClass = request.constructor as new () => WriteRequest
    return this.writeBuffer(request, bytes)
  }
}
