/**
 * Pub/sub that Portolan keeps itself, over restarts and crashes: messages, groups, and what each group has not settled.
 * What was delivered and not settled before a crash is delivered again.
 */
import * as z from 'zod/mini'
import type {
  ApiError,
  OutgoingMessage,
  PubSubStore,
  PubSubSubscription,
  SubscribeOptions,
  SubscriptionObserver,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import type { Clock } from '../../protocol.ts'
import { Durable, dataDirectory, type Journal } from '../clients/embedded/index.ts'
import { brokerLimits, MemoryPubSubStore, memoryPubSub, memoryPubSubOptions } from './memory.ts'
import { type BrokerKeeper, type BrokerLimits, MemoryBroker } from './memory-broker.ts'
import type { Message } from './memory-group.ts'

const options = () => z.extend(memoryPubSubOptions(), { dataDirectory: dataDirectory() })

export const embeddedPubSub: ComponentKind<'pubsub'> = {
  api: 'pubsub',
  type: 'embedded',
  features: memoryPubSub.features,
  options,
  async open(config, { name, clock }) {
    const { dataDirectory, ...rest } = config as z.output<ReturnType<typeof options>>
    const limits = brokerLimits(rest)
    return new EmbeddedPubSubStore(
      new Durable({
        api: 'pubsub',
        name,
        dataDirectory,
        load: journal => load(journal, clock, limits),
        unload: broker => broker.stop(),
        store: use => new MemoryPubSubStore(use, clock, limits),
      }),
    )
  },
}

/** A message without its data. Times are of the day. */
interface KeptMessage extends Omit<Message, 'data' | 'until'> {
  readonly until?: number
  readonly due?: number
}

interface KeptGroup {
  readonly id: string
  readonly pattern: string
}

type Owed = readonly [group: string, message: string]

/** In the order of their numbers. */
const nameOf = ({ id }: { readonly id: string }) => id.padStart(16, '0')
const owedName = (group: string, message: string) => JSON.stringify([message, group])

function load(journal: Journal, clock: Clock, limits: BrokerLimits): MemoryBroker {
  const broker = new MemoryBroker(keeperOf(journal, clock))
  const owed = new Set(Array.from(journal.entries<Owed>('owed'), ([group, message]) => owedName(group, message)))
  const now = Date.now()
  const messages = Array.from(journal.entries<KeptMessage>('messages'), ({ until, due, ...rest }) => ({
    message: {
      ...rest,
      data: journal.data('messages', nameOf(rest)) ?? Buffer.alloc(0),
      until: until === undefined ? undefined : clock.now() + (until - now),
    },
    ...(due !== undefined && { dueInMs: Math.max(0, due - now) }),
  }))
  const groups = [...journal.entries<KeptGroup>('groups')]
  broker.restore({ groups, messages, owes: (id, message) => owed.has(owedName(id, message.id)) }, clock, limits)
  return broker
}

function keeperOf(journal: Journal, clock: Clock): BrokerKeeper {
  return {
    keepMessage({ data, until, ...rest }, dueInMs) {
      const kept: KeptMessage = {
        ...rest,
        ...(until !== undefined && { until: Date.now() + (until - clock.now()) }),
        ...(dueInMs !== undefined && { due: Date.now() + dueInMs }),
      }
      journal.put('messages', nameOf(rest), kept, data)
    },
    forgetMessage: message => journal.remove('messages', nameOf(message)),
    keepGroup: (id, pattern) => journal.put('groups', id, { id, pattern } satisfies KeptGroup),
    forgetGroup: id => journal.remove('groups', id),
    owe: (id, message) => journal.put('owed', owedName(id, message.id), [id, message.id] satisfies Owed),
    done: (id, message) => journal.remove('owed', owedName(id, message.id)),
  }
}

class EmbeddedPubSubStore implements PubSubStore {
  readonly #durable: Durable<MemoryBroker, MemoryPubSubStore>

  constructor(durable: Durable<MemoryBroker, MemoryPubSubStore>) {
    this.#durable = durable
  }

  publish(topic: string, messages: readonly OutgoingMessage[]): Promise<readonly (ApiError | undefined)[]> {
    return this.#durable.call(memory => memory.publish(topic, messages))
  }

  subscribe(topic: string, options: SubscribeOptions, observer: SubscriptionObserver): Promise<PubSubSubscription> {
    return this.#durable.call(memory => memory.subscribe(topic, options, observer))
  }

  check(timeoutMs: number) {
    return this.#durable.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#durable.close()
  }
}
