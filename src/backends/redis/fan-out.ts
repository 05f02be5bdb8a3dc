/** Hands a message to all subscribers, in each one's RESP version; those of one turn of the event loop leave together. */
import type { Subscriber } from './subscription.ts'

const PUSH = 62

export class FanOut {
  #touched = new Set<Subscriber>()
  #flushing = false

  /** RESP2 arrays differ from RESP3 pushes in their first byte only. */
  give(frame: Buffer, subscribers: ReadonlySet<Subscriber>): void {
    let resp3: Buffer | null = null
    for (const subscriber of subscribers) {
      if (!this.#touched.has(subscriber)) {
        this.#touched.add(subscriber)
        subscriber.onMessagesBegin()
      }
      if (subscriber.protocol === 2) subscriber.onMessage(frame)
      else {
        if (resp3 === null) {
          resp3 = Buffer.from(frame)
          resp3[0] = PUSH
        }
        subscriber.onMessage(resp3)
      }
    }
    if (this.#flushing || this.#touched.size === 0) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      const touched = this.#touched
      this.#touched = new Set()
      for (const subscriber of touched) subscriber.onMessagesEnd()
    })
  }
}
