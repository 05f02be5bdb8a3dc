/**
 * The messages of one group of subscribers: what waits, what is delivered and not settled, and to whom the next one goes.
 * Messages of an ordering key go one at a time, so that their order holds whoever of the group gets them.
 */
import type { Delivery, SubscriptionObserver } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'

export interface Message extends Pick<Delivery, 'topic' | 'data' | 'contentType' | 'headers' | 'orderingKey'> {
  readonly id: string
  /** By the clock; undefined for ever. */
  readonly until: number | undefined
}

/** What a group tells of its messages, so that they can be kept. */
export interface GroupKeeper {
  /** It is to be delivered. */
  owe(message: Message): void
  /** It was acknowledged, dropped, or its time is over. */
  done(message: Message): void
}

/** A message on its way through one group. */
interface Entry {
  readonly message: Message
  attempts: number
}

export interface Member {
  readonly observer: SubscriptionObserver
  readonly maxInFlight: number
  readonly unsettled: Set<Entry>
}

export class Group {
  readonly #clock: Clock
  readonly #retryMs: number
  readonly #members: Member[] = []
  /** Delivered before, so they go first. */
  readonly #returned = new Set<Entry>()
  readonly #waiting = new Set<Entry>()
  /** Whose turn it is among the messages of a key; it keeps it until it is acknowledged or dropped. */
  readonly #turns = new Map<string, Entry>()
  readonly #retries = new Map<Entry, () => void>()
  readonly #keeper: GroupKeeper | undefined
  #pumping = false

  constructor(clock: Clock, retryMs: number, keeper?: GroupKeeper) {
    this.#clock = clock
    this.#retryMs = retryMs
    this.#keeper = keeper
  }

  /** Messages that are not delivered. */
  get backlog(): number {
    return this.#returned.size + this.#waiting.size + this.#retries.size
  }

  get members(): number {
    return this.#members.length
  }

  add(message: Message): void {
    this.#waiting.add({ message, attempts: 0 })
    this.#keeper?.owe(message)
    this.#pump()
  }

  join(observer: SubscriptionObserver, maxInFlight: number): Member {
    const member: Member = { observer, maxInFlight, unsettled: new Set() }
    this.#members.push(member)
    this.#pump()
    return member
  }

  /** What it has not settled goes to others. */
  leave(member: Member): void {
    const index = this.#members.indexOf(member)
    if (index < 0) return
    this.#members.splice(index, 1)
    for (const entry of member.unsettled) this.#returned.add(entry)
    member.unsettled.clear()
    this.#pump()
  }

  /** With all that was left to deliver. */
  close(): void {
    const left = [...this.#returned, ...this.#waiting, ...this.#retries.keys()]
    for (const { message } of left) this.#keeper?.done(message)
    this.stop()
  }

  /** What is left to deliver stays kept. */
  stop(): void {
    for (const cancel of this.#retries.values()) cancel()
    this.#retries.clear()
    this.#members.length = 0
  }

  /** Delivers in a turn of its own: an observer may publish, settle or close. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      this.#deliver(this.#returned)
      this.#deliver(this.#waiting)
    })
  }

  #deliver(queue: Set<Entry>): void {
    for (const entry of queue) {
      const { orderingKey, until } = entry.message
      const turn = orderingKey === undefined ? undefined : this.#turns.get(orderingKey)
      if (turn && turn !== entry) continue
      if (until !== undefined && until <= this.#clock.now()) {
        queue.delete(entry)
        this.#end(entry)
        continue
      }
      const member = this.#next()
      if (!member) return
      queue.delete(entry)
      if (orderingKey !== undefined) this.#turns.set(orderingKey, entry)
      this.#hand(entry, member)
    }
  }

  /** The member with room that has waited longest. */
  #next(): Member | undefined {
    const index = this.#members.findIndex(({ unsettled, maxInFlight }) => unsettled.size < maxInFlight)
    if (index < 0) return undefined
    const [member] = this.#members.splice(index, 1)
    this.#members.push(member!)
    return member
  }

  #hand(entry: Entry, member: Member): void {
    const { until: _, ...message } = entry.message
    member.unsettled.add(entry)
    entry.attempts++
    const attempt = entry.attempts
    member.observer.onMessage({
      ...message,
      attempt,
      settle: outcome => {
        // Somebody else's by now, or settled before.
        if (entry.attempts !== attempt || !member.unsettled.delete(entry)) return
        if (outcome === 'retry')
          this.#retries.set(
            entry,
            this.#clock.after(this.#retryMs, () => this.#retry(entry)),
          )
        else this.#end(entry)
        this.#pump()
      },
    })
  }

  #retry(entry: Entry): void {
    this.#retries.delete(entry)
    this.#returned.add(entry)
    this.#pump()
  }

  #end({ message }: Entry): void {
    this.#keeper?.done(message)
    if (message.orderingKey !== undefined) this.#turns.delete(message.orderingKey)
  }
}
