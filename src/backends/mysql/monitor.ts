/** Looks at one server again and again over a control connection that is kept: is it there, and what is its role? */
import { ProxyError } from '../../errors.ts'
import type { Clock } from '../../protocol.ts'
import { type ControlConnection, ControlError } from './control.ts'
import type { Member } from './member.ts'
import { readServerRole, type ServerRole } from './server-facts.ts'

export interface MonitorCalls {
  open(member: Member): Promise<ControlConnection>
  /** How long until the next look, in milliseconds. */
  intervalMs(): number
  /** What is known of the member may have changed. */
  onSeen(member: Member): void
}

/** From one look to the next at least, whoever is in a hurry. */
const MIN_GAP_MS = 50
/** A server that is slow once is not taken for dead. */
const TIMEOUTS_TO_DIE = 2

export class Monitor {
  readonly #member: Member
  readonly #calls: MonitorCalls
  readonly #clock: Clock
  #control: ControlConnection | undefined
  #cancel = (): void => {}
  #looking = false
  #lookedAt = Number.NEGATIVE_INFINITY
  #timeouts = 0
  #closed = false

  constructor(member: Member, calls: MonitorCalls, clock: Clock) {
    this.#member = member
    this.#calls = calls
    this.#clock = clock
  }

  start(): void {
    void this.#look()
  }

  /** Looks as soon as may be. */
  hurry(): void {
    if (!this.#looking) this.#schedule(Math.max(0, this.#lookedAt + MIN_GAP_MS - this.#clock.now()))
  }

  close(): void {
    this.#closed = true
    this.#cancel()
    this.#control?.close()
  }

  #schedule(ms: number): void {
    this.#cancel()
    if (!this.#closed) this.#cancel = this.#clock.after(ms, () => void this.#look())
  }

  async #look(): Promise<void> {
    this.#looking = true
    const member = this.#member
    try {
      member.seen = await this.#role()
      member.endpoint.health = 'up'
      member.endpoint.lastError = undefined
      member.endpoint.circuit.succeeded()
      this.#timeouts = 0
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error
      this.#onFailure(error)
    }
    this.#looking = false
    this.#lookedAt = this.#clock.now()
    if (this.#closed) return this.#control?.close()
    this.#calls.onSeen(member)
    this.#schedule(this.#calls.intervalMs())
  }

  /** That the connection is gone does not mean that the server is: another one is tried. */
  async #role(): Promise<ServerRole> {
    const kept = this.#control
    if (kept) {
      try {
        return await readServerRole(kept)
      } catch (error) {
        this.#forget()
        if (!(error instanceof ControlError) || error.code === 'upstream-timeout') throw error
      }
    }
    this.#control = await this.#calls.open(this.#member)
    return readServerRole(this.#control)
  }

  #forget(): void {
    this.#control?.close()
    this.#control = undefined
  }

  #onFailure(error: ProxyError): void {
    const { endpoint } = this.#member
    this.#forget()
    endpoint.lastError = error.message
    // A server that refuses is there; what it is has not become known anew.
    if (error instanceof ControlError && error.number !== undefined) return
    if (error.code === 'upstream-timeout' && ++this.#timeouts < TIMEOUTS_TO_DIE) return
    this.#member.lost()
  }
}
