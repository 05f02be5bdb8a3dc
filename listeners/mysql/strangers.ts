/** Clients of other protocols that have found a MySQL port: what they seem to be, for whoever reads the log. */

import type { Logger } from '../../src/observability/logger.ts'
import type { Clock } from '../../src/protocol.ts'

/** One line for all that come within. */
const QUIET_MS = 60_000

/** By how they begin; what a MySQL client says begins with the length of a packet and the number 1. */
const BEGINNINGS: readonly (readonly [begin: RegExp, what: string])[] = [
  [/^\*\d+\r\n\$|^(?:PING|AUTH|HELLO|INFO|COMMAND|GET|SET) ?[^/]*\r\n/i, 'a Redis client'],
  [/^[A-Z]+ \/\S* HTTP\/1/, 'an HTTP client'],
  [/^PRI \* HTTP\/2/, 'an HTTP/2 or gRPC client'],
  [/^\x16\x03[\0-\x04]/, 'a client that begins with TLS, which MySQL asks for within its protocol,'],
  [/^PROXY (?:TCP|UNKNOWN)|^\r\n\r\n\0\r\nQUIT\n/, 'a load balancer that sends the PROXY protocol'],
]

/** Undefined when it may be anything. */
export function strangerBy(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1', 0, 64)
  return BEGINNINGS.find(([begin]) => begin.test(text))?.[1]
}

export class Strangers {
  readonly #logger: Logger
  readonly #listener: string
  readonly #clock: Clock
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(logger: Logger, listener: string, clock: Clock) {
    this.#logger = logger
    this.#listener = listener
    this.#clock = clock
  }

  /** Somebody has begun with what is no login. */
  note(bytes: Buffer): void {
    const what = strangerBy(bytes)
    const now = this.#clock.now()
    if (what === undefined || now - this.#toldAt < QUIET_MS) return
    this.#toldAt = now
    this.#logger.warn(
      { listener: this.#listener },
      `${what} has connected to this listener, which speaks MySQL: check its port`,
    )
  }
}
