/** A request too large to keep: how far it has come, while it passes to the backend in pieces. */
import { REQUEST_LIMITS, type RequestScanner, Scan } from '../../codecs/redis/index.ts'

/** `$536870912\r\n` and then some: what is shorter may still be the head of an argument. */
const HEAD_BYTES = 32

export class Upload {
  /** Arguments that are not whole yet, the one at hand included. */
  #argumentsLeft: number
  /** Bytes of the argument at hand that are still to come; 0 at its head. */
  #bytesLeft = 0

  constructor(argumentsLeft: number) {
    this.#argumentsLeft = argumentsLeft
  }

  get complete(): boolean {
    return this.#argumentsLeft === 0
  }

  /** Returns up to where the bytes belong to the request and can be passed on. Throws ProtocolError. */
  follow(scanner: RequestScanner, bytes: Buffer, from: number, end: number): number {
    let position = from
    while (this.#argumentsLeft > 0 && position < end) {
      if (this.#bytesLeft > 0) {
        const step = Math.min(this.#bytesLeft, end - position)
        this.#bytesLeft -= step
        position += step
        if (this.#bytesLeft === 0) this.#argumentsLeft--
        continue
      }
      if (scanner.resume(bytes, position, end, this.#argumentsLeft, REQUEST_LIMITS) === Scan.FRAME) {
        this.#argumentsLeft = 0
        return scanner.end
      }
      this.#argumentsLeft = scanner.left
      position = scanner.at
      if (scanner.missing <= 1 && end - position < HEAD_BYTES) return position
      this.#bytesLeft = end - position + scanner.missing
    }
    return position
  }
}
