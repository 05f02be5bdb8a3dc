/** The lanes of a backend, made at first use: one for each RESP version and database, and one more for scripts. */
import type { Turn } from '../../net/index.ts'
import type { Clock } from '../../protocol.ts'
import type { Dialer } from './dialer.ts'
import { Lane, type LaneOptions } from './lane.ts'
import { type Pipeline, sendToNobody } from './pipeline.ts'

export class Lanes {
  readonly #dialer: Dialer
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #options: LaneOptions
  readonly #all = new Map<number, Lane>()
  #draining = false

  constructor(dialer: Dialer, turn: Turn, clock: Clock, options: LaneOptions) {
    this.#dialer = dialer
    this.#turn = turn
    this.#clock = clock
    this.#options = options
  }

  get(protocol: 2 | 3, database: number, scripts: boolean): Lane {
    const key = database * 8 + protocol * 2 + (scripts ? 1 : 0)
    let lane = this.#all.get(key)
    if (!lane) {
      lane = new Lane(this.#dialer, this.#turn, this.#clock, this.#options, protocol, database)
      this.#all.set(key, lane)
      if (this.#draining) lane.close()
    }
    return lane
  }

  /** How many are connected. */
  get connected(): number {
    let connected = 0
    for (const lane of this.#all.values()) if (lane.connected) connected++
    return connected
  }

  /** Requests without a reply. */
  get pending(): number {
    let pending = 0
    for (const lane of this.#all.values()) pending += lane.pending
    return pending
  }

  /** Opens other connections for what is to come: in place of that one, or of all. */
  replace(pipeline?: Pipeline): void {
    for (const lane of this.#all.values()) lane.replace(pipeline)
  }

  /** Sends a request whose reply does not matter on each connection. */
  sendToEach(request: Buffer): void {
    for (const lane of this.#all.values()) if (lane.connected) sendToNobody(lane.pipeline!, request)
  }

  sweep(): void {
    for (const lane of this.#all.values()) lane.sweep()
  }

  /** What is there goes on; a lane that is made from now on refuses. */
  drain(): void {
    this.#draining = true
  }

  close(): void {
    this.drain()
    for (const lane of this.#all.values()) lane.close()
  }
}
