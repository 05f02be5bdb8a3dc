/** What is published on one connection: as much at a time as the broker takes, the rest waits for its turn. */
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { ApiError } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { failureOf } from './mqtt-reasons.ts'

/** Beyond, they are refused. */
const MOST_WAITING = 10_000

export type Publishing = Pick<IPublishPacket, 'topic' | 'payload' | 'retain' | 'properties'>

/** Who waits for an answer to a packet. */
export interface Asked {
  readonly resolve: (packet: Packet | undefined) => void
  readonly reject: (error: ApiError) => void
}

interface Waiting extends Asked {
  readonly packet: IPublishPacket
}

/** Gives a packet its id and its bytes. Throws where MQTT has no such packet. */
type Prepare = (packet: IPublishPacket, asked: Asked) => { readonly size: number; send(): void }

export class MqttOutbox {
  /** How many the broker takes at a time, and how large ones. */
  window = 1
  largest = Number.POSITIVE_INFINITY
  readonly #options: { readonly clock: Clock; readonly answerMs: number }
  readonly #prepare: Prepare
  readonly #waiting = new Set<Waiting>()
  #unacknowledged = 0

  constructor(options: { readonly clock: Clock; readonly answerMs: number }, prepare: Prepare) {
    this.#options = options
    this.#prepare = prepare
  }

  /** Resolves when the broker has it; rejects with `unavailable` when it was not sent, with `unknown` when it may have arrived. */
  async publish(message: Publishing): Promise<void> {
    if (this.#waiting.size >= MOST_WAITING)
      throw new ApiError('exhausted', `${MOST_WAITING} messages wait for the MQTT broker to take them`)
    const { clock, answerMs } = this.#options
    let cancel = () => {}
    const answer = await new Promise<Packet | undefined>((resolve, reject) => {
      const waiting: Waiting = { packet: { ...message, cmd: 'publish', qos: 1, dup: false }, resolve, reject }
      cancel = clock.after(answerMs, () => {
        const isSent = !this.#waiting.delete(waiting)
        const why = `no answer of the MQTT broker within ${answerMs} ms`
        reject(new ApiError(isSent ? 'unknown' : 'unavailable', why))
      })
      this.#waiting.add(waiting)
      this.#send()
    }).finally(() => cancel())
    const { reasonCode = 0, properties } = answer as { reasonCode?: number; properties?: { reasonString?: string } }
    if (reasonCode >= 0x80) throw failureOf(reasonCode, properties?.reasonString, 'to take the message')
  }

  /** The broker has answered one; whoever published it is told by others. */
  acknowledged(): void {
    this.#unacknowledged--
    this.#send()
  }

  /** Refuses what has not been sent. */
  clear(error: ApiError): void {
    for (const { reject } of this.#waiting) reject(error)
    this.#waiting.clear()
  }

  #send(): void {
    for (const waiting of this.#waiting) {
      if (this.#unacknowledged >= this.window) return
      this.#waiting.delete(waiting)
      try {
        const { size, send } = this.#prepare(waiting.packet, waiting)
        if (size > this.largest) throw new Error(`${size} bytes are more than the MQTT broker takes (${this.largest})`)
        this.#unacknowledged++
        send()
      } catch (error) {
        waiting.reject(new ApiError('invalid-argument', (error as Error).message, { cause: error }))
      }
    }
  }
}
