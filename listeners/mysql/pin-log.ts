/**
 * The books on pins: who is tied to a connection, why, since when and by which statement; for metrics, the log and
 * GET /mysql/pins. A session reports only when its pins have changed.
 */
import type { Digest } from './digest-table.ts'
import { FLEETING, PINS, Pin } from './pin.ts'

/** A reason that holds now. */
export interface OpenPin {
  /** One bit of Pin. */
  readonly pin: number
  /** The clock's milliseconds. */
  readonly since: number
  /** Of the statement that pinned; null for another command. */
  readonly digest: Digest | null
  /** It has been logged as long. */
  told: boolean
}

/** One who can be tied, as the books see it. */
export interface Pinned {
  readonly id: number
  readonly identity: { readonly username: string }
  /** Bits of Pin, and those among them that are in the books. */
  readonly pins: number
  bookedPins: number
  readonly openPins: OpenPin[]
  /** Of the statement at hand. */
  readonly facts: { readonly digest: Digest | null }
}

export interface EndedPin extends Omit<OpenPin, 'told'> {
  readonly client: number
  readonly user: string
  readonly durationMs: number
}

const MAX_RECENT = 100
/** What comes and goes with every other statement is worth remembering from here on. */
const NOTABLE_MS = 1000
/** What applications are bound to do, and what the configuration or a replica asks for. */
const EXPECTED = Pin.TRANSACTION | Pin.SESSION_MODE | Pin.REPLICATION
const REASONS = 32

export class PinLog {
  /** How often and how long, by the number of the bit; open ones are in the count only. */
  readonly counts = new Float64Array(REASONS)
  readonly endedMs = new Float64Array(REASONS)
  readonly #recent: EndedPin[] = []
  readonly #onPinned: (who: Pinned, open: OpenPin) => void

  /** `onPinned` hears of reasons that neither go by themselves nor are wanted. */
  constructor(onPinned: (who: Pinned, open: OpenPin) => void) {
    this.#onPinned = onPinned
  }

  /** Books what has changed since the last time. */
  update(who: Pinned, now: number): void {
    const { pins } = who
    let changed = pins ^ who.bookedPins
    who.bookedPins = pins
    while (changed !== 0) {
      const pin = changed & -changed
      changed ^= pin
      if ((pins & pin) !== 0) this.#begin(who, pin, now)
      else this.#end(who, pin, now)
    }
  }

  /** The client has gone. */
  close(who: Pinned, now: number): void {
    while (who.openPins.length > 0) this.#end(who, who.openPins[0]!.pin, now)
    who.bookedPins = 0
  }

  /** One that holds for longer than afterMs against all expectation; each is told once. */
  nextLong({ openPins }: Pinned, now: number, afterMs: number): OpenPin | undefined {
    const long = openPins.find(({ told, since, pin }) => !told && now - since > afterMs && (pin & EXPECTED) === 0)
    if (long) long.told = true
    return long
  }

  /** Those that ended last, the last one first: of what is fleeting only what was long. */
  get recent(): readonly EndedPin[] {
    return [...this.#recent].reverse()
  }

  #begin(who: Pinned, pin: number, now: number): void {
    const { digest } = who.facts
    const open = { pin, since: now, digest, told: false }
    who.openPins.push(open)
    this.counts[indexOf(pin)]!++
    if (digest) digest.pins++
    if ((pin & (FLEETING | EXPECTED)) === 0) this.#onPinned(who, open)
  }

  #end(who: Pinned, pin: number, now: number): void {
    const { openPins } = who
    const at = openPins.findIndex(open => open.pin === pin)
    const { since, digest } = openPins[at]!
    openPins.splice(at, 1)
    const durationMs = now - since
    this.endedMs[indexOf(pin)]! += durationMs
    if (pin === Pin.SESSION_MODE || ((pin & FLEETING) !== 0 && durationMs < NOTABLE_MS)) return
    this.#recent.push({ client: who.id, user: who.identity.username, pin, since, digest, durationMs })
    if (this.#recent.length > MAX_RECENT) this.#recent.shift()
  }
}

/** Adds up, by the number of the bit, over the reasons that hold now. */
export function sumOpen(everyone: Iterable<Pinned>, value: (open: OpenPin) => number): Float64Array {
  const sums = new Float64Array(REASONS)
  for (const { openPins } of everyone) for (const open of openPins) sums[indexOf(open.pin)]! += value(open)
  return sums
}

/** The number of a bit. */
export const indexOf = (pin: number): number => 31 - Math.clz32(pin)

export const pinFacts = (pin: number) => PINS.get(pin)!
