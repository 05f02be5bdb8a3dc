/** Topics, the messages they keep for those who come later, and the groups that subscribe to them. */
import { ApiError, type OutgoingMessage, type SubscribeOptions, type SubscriptionObserver } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { Group, type GroupKeeper, type Message } from './memory-group.ts'

export interface BrokerLimits {
  readonly maxBacklog: number
  readonly keepMessages: number
  readonly keepBytes: number
  readonly retryMs: number
  readonly forgetGroupsMs: number
}

/** Where messages and what groups still have to get are kept, if anywhere. */
export interface BrokerKeeper {
  /** `dueInMs`: it is delayed that long, and said again without it when its time has come. */
  keepMessage(message: Message, dueInMs?: number): void
  forgetMessage(message: Message): void
  keepGroup(id: string, pattern: string): void
  forgetGroup(id: string): void
  owe(id: string, message: Message): void
  done(id: string, message: Message): void
}

/** What was kept. */
export interface KeptBroker {
  readonly groups: readonly { readonly id: string; readonly pattern: string }[]
  /** In the order of their numbers. */
  readonly messages: readonly { readonly message: Message; readonly dueInMs?: number }[]
  owes(id: string, message: Message): boolean
}

interface Subscribers {
  readonly pattern: string
  readonly group: Group
  /** Ends the time after which a group without members is forgotten. */
  stay: () => void
}

export class MemoryBroker {
  /** The messages of all topics in the order of publishing, so that a pattern replays them in order. */
  readonly #kept: Message[] = []
  #keptBytes = 0
  readonly #subscribers = new Set<Subscribers>()
  readonly #named = new Map<string, Subscribers>()
  /** How many still need a message: what is kept for latecomers, its delay, each group that has not got it. */
  readonly #needs = new Map<Message, number>()
  readonly #delays = new Set<() => void>()
  readonly #keeper: BrokerKeeper | undefined
  #published = 0

  constructor(keeper?: BrokerKeeper) {
    this.#keeper = keeper
  }

  /** Goes on from what was kept; before anything else. */
  restore(kept: KeptBroker, clock: Clock, limits: BrokerLimits): void {
    for (const { id, pattern } of kept.groups) {
      const subscribers = this.#add(pattern, id, clock, limits)
      subscribers.stay = clock.after(limits.forgetGroupsMs, () => this.#forget(subscribers, id))
    }
    for (const { message, dueInMs } of kept.messages) {
      this.#published = Math.max(this.#published, Number(message.id))
      if (dueInMs !== undefined) this.#delay(message, dueInMs, clock, limits)
      else {
        this.#keep(message)
        for (const [id, { group }] of this.#named) if (kept.owes(id, message)) group.add(message)
      }
    }
    this.#trim(limits)
  }

  /** Ends all timers; what is kept stays. */
  stop(): void {
    for (const cancel of this.#delays) cancel()
    this.#delays.clear()
    for (const { group, stay } of this.#subscribers) {
      stay()
      group.stop()
    }
  }

  publish(
    topic: string,
    messages: readonly OutgoingMessage[],
    clock: Clock,
    limits: BrokerLimits,
  ): (ApiError | undefined)[] {
    if (isPattern(topic)) throw new ApiError('invalid-argument', `${topic} is a pattern, which nothing is published to`)
    return messages.map(message => {
      const full = this.#full(topic, message, limits)
      if (!full) this.#take(topic, message, clock, limits)
      return full
    })
  }

  /** Returns how to end the subscription. */
  subscribe(
    topic: string,
    { group: name, from, maxInFlight }: SubscribeOptions,
    observer: SubscriptionObserver,
    clock: Clock,
    limits: BrokerLimits,
  ): () => void {
    const id = name === undefined ? undefined : JSON.stringify([topic, name])
    let subscribers = id === undefined ? undefined : this.#named.get(id)
    if (!subscribers) {
      subscribers = this.#add(topic, id, clock, limits)
      if (id !== undefined) this.#keeper?.keepGroup(id, topic)
      if (from === 'earliest') {
        for (const message of this.#kept) if (matches(topic, message.topic)) subscribers.group.add(message)
      }
    }
    const found = subscribers
    found.stay()
    const member = found.group.join(observer, maxInFlight)
    const forget = () => this.#forget(found, id)
    return () => {
      found.group.leave(member)
      if (found.group.members > 0) return
      if (id === undefined) forget()
      else found.stay = clock.after(limits.forgetGroupsMs, forget)
    }
  }

  #add(pattern: string, id: string | undefined, clock: Clock, limits: BrokerLimits): Subscribers {
    const keeper = id === undefined ? undefined : this.#groupKeeper(id)
    const subscribers = { pattern, group: new Group(clock, limits.retryMs, keeper), stay: () => {} }
    this.#subscribers.add(subscribers)
    if (id !== undefined) this.#named.set(id, subscribers)
    return subscribers
  }

  #groupKeeper(id: string): GroupKeeper | undefined {
    const keeper = this.#keeper
    return (
      keeper && {
        owe: message => {
          this.#need(message)
          keeper.owe(id, message)
        },
        done: message => {
          keeper.done(id, message)
          this.#spare(message)
        },
      }
    )
  }

  #forget(subscribers: Subscribers, id: string | undefined): void {
    subscribers.group.close()
    this.#subscribers.delete(subscribers)
    if (id === undefined) return
    this.#named.delete(id)
    this.#keeper?.forgetGroup(id)
  }

  #need(message: Message): void {
    if (this.#keeper) this.#needs.set(message, (this.#needs.get(message) ?? 0) + 1)
  }

  #spare(message: Message): void {
    if (!this.#keeper) return
    const needs = this.#needs.get(message)! - 1
    if (needs > 0) {
      this.#needs.set(message, needs)
      return
    }
    this.#needs.delete(message)
    this.#keeper.forgetMessage(message)
  }

  #full(topic: string, { delayMs }: OutgoingMessage, { maxBacklog }: BrokerLimits): ApiError | undefined {
    if (delayMs !== undefined && this.#delays.size >= maxBacklog)
      return new ApiError('exhausted', `${maxBacklog} delayed messages wait for their time`)
    for (const { pattern, group } of this.#subscribers) {
      if (group.backlog >= maxBacklog && matches(pattern, topic))
        return new ApiError('exhausted', `a subscriber of ${topic} has not taken the last ${maxBacklog} messages`)
    }
    return undefined
  }

  #take(topic: string, outgoing: OutgoingMessage, clock: Clock, limits: BrokerLimits): void {
    const { data, contentType, headers, orderingKey, delayMs, ttlMs } = outgoing
    const message: Message = {
      id: String(++this.#published),
      topic,
      data: Buffer.from(data),
      contentType,
      headers: { ...headers },
      until: ttlMs === undefined ? undefined : clock.now() + (delayMs ?? 0) + ttlMs,
      ...(orderingKey !== undefined && { orderingKey }),
    }
    this.#keeper?.keepMessage(message, delayMs || undefined)
    if (delayMs) this.#delay(message, delayMs, clock, limits)
    else this.#spread(message, limits)
  }

  #delay(message: Message, delayMs: number, clock: Clock, limits: BrokerLimits): void {
    this.#need(message)
    const cancel = clock.after(delayMs, () => {
      this.#delays.delete(cancel)
      this.#keeper?.keepMessage(message)
      this.#spread(message, limits)
      this.#spare(message)
    })
    this.#delays.add(cancel)
  }

  #spread(message: Message, limits: BrokerLimits): void {
    this.#keep(message)
    for (const { pattern, group } of this.#subscribers) if (matches(pattern, message.topic)) group.add(message)
    this.#trim(limits)
  }

  #keep(message: Message): void {
    this.#need(message)
    this.#kept.push(message)
    this.#keptBytes += message.data.length
  }

  #trim({ keepMessages, keepBytes }: BrokerLimits): void {
    while (this.#kept.length > keepMessages || this.#keptBytes > keepBytes) {
      const oldest = this.#kept.shift()!
      this.#keptBytes -= oldest.data.length
      this.#spare(oldest)
    }
  }
}

function isPattern(topic: string): boolean {
  return topic.includes('+') || topic.includes('#')
}

/** MQTT's: `+` is one level between slashes, `#` at the end all that remain. */
function matches(pattern: string, topic: string): boolean {
  if (!isPattern(pattern)) return pattern === topic
  const levels = topic.split('/')
  const wanted = pattern.split('/')
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return i === wanted.length - 1
    if (levels[i] === undefined || (level !== '+' && level !== levels[i])) return false
  }
  return levels.length === wanted.length
}
