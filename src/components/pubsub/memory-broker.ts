/** Topics, the messages they keep for those who come later, and the groups that subscribe to them. */
import { ApiError, type OutgoingMessage, type SubscribeOptions, type SubscriptionObserver } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { Group, type Message } from './memory-group.ts'

export interface BrokerLimits {
  readonly maxBacklog: number
  readonly keepMessages: number
  readonly keepBytes: number
  readonly retryMs: number
  readonly forgetGroupsMs: number
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
  #published = 0
  #delayed = 0

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
      subscribers = { pattern: topic, group: new Group(clock, limits.retryMs), stay: () => {} }
      this.#subscribers.add(subscribers)
      if (id !== undefined) this.#named.set(id, subscribers)
      if (from === 'earliest') {
        for (const message of this.#kept) if (matches(topic, message.topic)) subscribers.group.add(message)
      }
    }
    const found = subscribers
    found.stay()
    const member = found.group.join(observer, maxInFlight)
    const forget = () => {
      found.group.close()
      this.#subscribers.delete(found)
      if (id !== undefined) this.#named.delete(id)
    }
    return () => {
      found.group.leave(member)
      if (found.group.members > 0) return
      if (id === undefined) forget()
      else found.stay = clock.after(limits.forgetGroupsMs, forget)
    }
  }

  #full(topic: string, { delayMs }: OutgoingMessage, { maxBacklog }: BrokerLimits): ApiError | undefined {
    if (delayMs !== undefined && this.#delayed >= maxBacklog)
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
    if (!delayMs) return this.#spread(message, limits)
    this.#delayed++
    clock.after(delayMs, () => {
      this.#delayed--
      this.#spread(message, limits)
    })
  }

  #spread(message: Message, { keepMessages, keepBytes }: BrokerLimits): void {
    this.#kept.push(message)
    this.#keptBytes += message.data.length
    while (this.#kept.length > keepMessages || this.#keptBytes > keepBytes)
      this.#keptBytes -= this.#kept.shift()!.data.length
    for (const { pattern, group } of this.#subscribers) if (matches(pattern, message.topic)) group.add(message)
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
