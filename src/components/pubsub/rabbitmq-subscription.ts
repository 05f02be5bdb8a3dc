/**
 * A subscription in RabbitMQ: a channel of its own with a queue, a durable one for a group and one that goes with the
 * channel otherwise. It is made again on each new connection. A message that was refused stays with us until it is put
 * back into its queue, so the broker goes on counting it as unsettled.
 */
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Delivery, SubscribeOptions, SubscriptionObserver } from '../../apis/index.ts'
import type { Clock } from '../../protocol.ts'
import { asApiError, farewell, within } from './rabbitmq-connection.ts'
import { bindingKey, queueName, topicOf } from './rabbitmq-names.ts'

const REMAKE_AFTER_MS = 1_000
/** The broker has 16 bits for it. */
const MOST_IN_FLIGHT = 65_535

export interface SubscriptionSettings {
  readonly exchange: string
  readonly retryMs: number
  readonly requestTimeoutMs: number
  readonly clock: Clock
}

export class RabbitmqSubscription {
  readonly #queue: string | undefined
  readonly #key: string
  readonly #maxInFlight: number
  readonly #observer: SubscriptionObserver
  readonly #settings: SubscriptionSettings
  readonly #retries = new Set<() => void>()
  #channel: Channel | undefined
  #isOut = false
  #resumed = 0
  #stopRemake = (): void => {}
  #closed = false

  /** Throws an ApiError when RabbitMQ has no such names. */
  constructor(
    topic: string,
    { group, maxInFlight }: SubscribeOptions,
    observer: SubscriptionObserver,
    settings: SubscriptionSettings,
  ) {
    this.#key = bindingKey(topic)
    this.#queue = group === undefined ? undefined : queueName(settings.exchange, topic, group)
    this.#maxInFlight = Math.min(maxInFlight, MOST_IN_FLIGHT)
    this.#observer = observer
    this.#settings = settings
  }

  /** Resolves when the queue is bound and consumed. */
  async begin(model: ChannelModel): Promise<void> {
    const { clock, requestTimeoutMs } = this.#settings
    const channel = await within(model.createChannel(), requestTimeoutMs, clock, 'unavailable')
    let failure: Error | undefined
    channel.on('error', error => (failure = error))
    channel.on('close', () => {
      if (this.#channel !== channel) return
      this.lost(failure ?? new Error('the channel was closed'))
      this.#remake(model)
    })
    try {
      await within(this.#consume(channel), requestTimeoutMs, clock, 'unavailable')
    } catch (error) {
      if (this.#channel === channel) this.#channel = undefined
      await farewell(channel, clock)
      throw failure ? asApiError(failure) : error
    }
    this.#isOut = false
    if (!this.#closed) return
    this.#channel = undefined
    await farewell(channel, clock)
  }

  /** On a new connection, after an outage. */
  resume(model: ChannelModel): void {
    this.#stopRemake()
    if (this.#closed) return
    const turn = ++this.#resumed
    this.begin(model).catch(error => {
      if (turn !== this.#resumed) return
      this.lost(error)
      this.#remake(model)
    })
  }

  lost(error: Error): void {
    this.#stopRemake()
    this.#channel = undefined
    this.#forgetRetries()
    if (this.#isOut || this.#closed) return
    this.#isOut = true
    this.#observer.onOutage(asApiError(error))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopRemake()
    this.#forgetRetries()
    const channel = this.#channel
    this.#channel = undefined
    if (channel) await farewell(channel, this.#settings.clock)
  }

  /** Something of this subscription alone is wrong, such as that somebody deletes its queue. */
  #remake(model: ChannelModel): void {
    if (!this.#closed) this.#stopRemake = this.#settings.clock.after(REMAKE_AFTER_MS, () => this.resume(model))
  }

  async #consume(channel: Channel): Promise<void> {
    await channel.prefetch(this.#maxInFlight)
    const own = { exclusive: true, autoDelete: true, durable: false }
    const { queue } = await channel.assertQueue(this.#queue ?? '', this.#queue === undefined ? own : { durable: true })
    await channel.bindQueue(queue, this.#settings.exchange, this.#key)
    this.#channel = channel
    await channel.consume(queue, message => {
      if (message) this.#deliver(channel, message)
      // The queue is gone.
      else void farewell(channel, this.#settings.clock)
    })
  }

  #deliver(channel: Channel, message: ConsumeMessage): void {
    if (this.#channel !== channel) return
    let isSettled = false
    this.#observer.onMessage({
      ...deliveryOf(message),
      settle: outcome => {
        if (isSettled || this.#channel !== channel) return
        isSettled = true
        if (outcome === 'retry') this.#retryLater(channel, message)
        else channel.ack(message)
      },
    })
  }

  #retryLater(channel: Channel, message: ConsumeMessage): void {
    const cancel = this.#settings.clock.after(this.#settings.retryMs, () => {
      this.#retries.delete(cancel)
      if (this.#channel === channel) channel.nack(message, false, true)
    })
    this.#retries.add(cancel)
  }

  #forgetRetries(): void {
    for (const cancel of this.#retries) cancel()
    this.#retries.clear()
  }
}

function deliveryOf({ content, fields, properties }: ConsumeMessage): Omit<Delivery, 'settle'> {
  const { 'x-delivery-count': count, ...others } = (properties.headers ?? {}) as Record<string, unknown>
  // Quorum queues count from the second delivery on; classic ones tell only whether it is the first.
  const attempt = typeof count === 'number' ? count + 1 : fields.redelivered ? undefined : 1
  const plain = Object.entries(others).filter(([, value]) => /^(string|number|boolean)$/.test(typeof value))
  return {
    id: `${fields.consumerTag}/${fields.deliveryTag}`,
    topic: topicOf(fields.routingKey),
    data: content,
    contentType: (properties.contentType as string | undefined) ?? '',
    headers: Object.fromEntries(plain.map(([name, value]) => [name, String(value)])),
    ...(attempt !== undefined && { attempt }),
  }
}
