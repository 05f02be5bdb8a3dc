/**
 * Where the head of a message is put together, alone or with a small body behind it, just before it is written: most
 * leave at once, so that one piece of memory serves all connections, and no buffer is made for each.
 */
import { Prefixes } from './prefixes.ts'
import type { Pump } from './pump.ts'

const BYTES = 64 * 1024

export class Scratch {
  #prefixes = new Prefixes(BYTES)

  /** Writes a latin1 text, and the body behind it, in one piece. As Pump.push(). */
  push(pump: Pump, text: string, body?: Buffer): boolean {
    const { length } = text
    const total = length + (body ? body.length : 0)
    if (total > BYTES) {
      const goOn = pump.push(Buffer.from(text, 'latin1'), true)
      return body ? pump.push(Buffer.from(body), true) && goOn : goOn
    }
    const { bytes } = this.#prefixes
    bytes.write(text, 0, 'latin1')
    if (body) bytes.set(body, length)
    const goOn = pump.push(this.#prefixes.first(total), false)
    // The write still needs it.
    if (!goOn) this.#prefixes = new Prefixes(BYTES)
    return goOn
  }
}

/** The one of this thread. */
export const sharedScratch = new Scratch()
