/**
 * Who of a group's subscribers receives. The group's messages wait in one session of the broker's, which one connection
 * has at a time and any other takes away from it. So whoever has it says so in a retained message that has to be renewed,
 * and the others watch that: when it ends, because the holder went or is not heard of, one of them continues.
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../protocol.ts'
import type { MqttConnection } from './mqtt-connection.ts'
import type { MqttDialer } from './mqtt-dialer.ts'
import { lacking } from './mqtt-reasons.ts'

const RENEW_EVERY_MS = 2_000
const LEASE_MS = 7_000
/** So that not all that wait begin at the same moment. */
const LONGEST_HESITATION_MS = 100

const empty = Buffer.alloc(0)

export interface HolderOptions {
  /** Where the holder says so. */
  readonly topic: string
  /** The name of this subscriber. */
  readonly self: string
  readonly dialer: MqttDialer
  readonly clock: Clock
}

/** What the broker is to say when the holder is lost: nobody holds it. Not when another has taken over meanwhile. */
export function lastWill(topic: string) {
  return { topic, payload: empty, qos: 1, retain: true, properties: { willDelayInterval: 1 } } as const
}

/** Says that the session is ours; call the result when it is not any more. */
export function announce(
  connection: MqttConnection,
  { topic, self, clock }: Omit<HolderOptions, 'dialer'>,
): () => void {
  const say = () => {
    const properties = { messageExpiryInterval: LEASE_MS / 1_000 }
    // What fails here is found out by whoever reads from the connection.
    connection.publish({ topic, payload: self, retain: true, properties }).catch(() => {})
  }
  say()
  return clock.every(RENEW_EVERY_MS, say)
}

/** Says that nobody has it. Never rejects. */
export async function renounce(connection: MqttConnection, topic: string): Promise<void> {
  await connection.publish({ topic, payload: empty, retain: true }).catch(() => {})
}

export class HolderWatch {
  readonly #options: HolderOptions
  #connection: MqttConnection | undefined
  #holder = ''
  #cancelLease = (): void => {}
  #onVacant: (() => void) | undefined
  #onLost: ((error: Error) => void) | undefined
  #lost: Error | undefined

  constructor(options: HolderOptions) {
    this.#options = options
  }

  /** Resolves with whether another one has the session. Rejects with an ApiError. */
  async begin(): Promise<boolean> {
    const { dialer, topic } = this.#options
    this.#connection = await dialer.dial(
      { clientId: `portolan-${randomUUID()}`, clean: true },
      {
        onMessage: ({ payload }) => this.#hear(payload.toString()),
        onEnd: error => {
          this.#lost = error
          this.#onLost?.(error)
        },
      },
    )
    if (this.#connection.version !== 5) throw lacking('pubsub.group')
    await this.#connection.subscribeWithRetained(topic)
    return this.#isHeld
  }

  /** Resolves when nobody else has the session, rejects when that cannot be heard of any more. */
  async vacant(): Promise<void> {
    while (this.#isHeld) {
      await new Promise<void>((resolve, reject) => {
        if (this.#lost) return reject(this.#lost)
        this.#onVacant = resolve
        this.#onLost = reject
      })
      await new Promise<void>(resolve => {
        this.#options.clock.after(Math.random() * LONGEST_HESITATION_MS, resolve)
      })
    }
  }

  /** May be called while vacant() waits, which rejects then. */
  async close(): Promise<void> {
    this.#cancelLease()
    this.#onLost?.(new Error('the subscription was closed'))
    await this.#connection?.close()
  }

  get #isHeld(): boolean {
    return this.#holder !== '' && this.#holder !== this.#options.self
  }

  #hear(holder: string): void {
    this.#holder = holder
    this.#cancelLease()
    if (this.#isHeld) this.#cancelLease = this.#options.clock.after(LEASE_MS, () => this.#hear(''))
    else this.#onVacant?.()
  }
}
