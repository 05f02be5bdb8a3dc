/**
 * Writes to a plain socket past its stream, whose books cost a small write about as much again as the system's own work
 * (bench/README.md, "writes past the stream"). It takes undocumented methods of the handle that Node's own streams call.
 * Node has changed them once (24.22, 26), so how they are called is learned from a write of a stream's; until one was
 * seen, and for whatever is not known here, the stream is used.
 */
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { getSystemErrorName } from 'node:util'

/** What Node's handle of a connection offers. */
interface Handle {
  /**
   * 0 when all is well, a negative number for an error. Given no request, later versions make one where the kernel has not
   * taken all bytes at once, and give it back.
   */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest
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

/** Writes: a request when it is in use, 0 when all bytes have left at once, a negative number for an error. */
type RawWrite = (handle: Handle, bytes: Uint8Array) => number | WriteRequest

/** How this Node's handles are written to, once it was seen. */
let writeRaw: RawWrite | undefined

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
    return this.#isPlain && writeRaw !== undefined
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
    const request = writeRaw!(handle, bytes)
    if (typeof request === 'number') {
      if (request !== 0) this.#fail(request)
      return 0
    }
    // The kernel may have taken a part, and the rest at the second try: then nothing waits though the request is in use.
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
    if (writeRaw === undefined) {
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

/** Sees how the stream writes the next time. */
function watch(handle: Handle): void {
  handle.writeBuffer = function (this: Handle, request, bytes) {
    Reflect.deleteProperty(this, 'writeBuffer')
    if (request === null) writeRaw = (handle, bytes) => handle.writeBuffer(null, bytes)
    else if (typeof request?.getAsyncId === 'function')
      writeRaw = requestGiver(request.constructor as new () => WriteRequest)
    return this.writeBuffer(request, bytes)
  }
}

/** For versions that want a request for each write: one that the kernel had no need of serves the next write. */
function requestGiver(Request: new () => WriteRequest): RawWrite {
  let spare: WriteRequest | undefined
  return (handle, bytes) => {
    const request = spare ?? new Request()
    spare = undefined
    const status = handle.writeBuffer(request, bytes)
    if (status !== 0) return status
    if (request.getAsyncId() > 0) return request
    spare = request
    return 0
  }
}
