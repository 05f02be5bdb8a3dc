/** What is known of a client: what it told of itself, and what CLIENT LIST shows. */

import type { AccessRules } from '../../codecs/redis/index.ts'
import { type Accepted, formatAddress } from '../../src/net/index.ts'

export class ClientFacts {
  readonly address: string
  readonly localAddress: string
  readonly connectedAt: number
  /** Times are on the clock's scale, in milliseconds. */
  activeAt: number
  received = 0
  name = ''
  libraryName = ''
  libraryVersion = ''
  user = 'default'
  authenticated = true
  /** What the user may do; null for everything. */
  rules: AccessRules | null = null
  noEvict = false
  noTouch = false
  /** The operation that began last; 0 for none, or an unknown one. */
  lastOperation = 0
  /** What became of a SELECT whose database had to be looked for; undefined when there is none. */
  selecting: Error | null | undefined
  /** Of the request being served, for CLIENT LIST. */
  requestBytes = 0
  /** The id of the client that gets the invalidation messages (CLIENT TRACKING ... REDIRECT), or -1. */
  redirect = -1
  /** Bytes of replies sent before authentication. */
  earlyOutput = 0

  constructor(accepted: Accepted, now: number) {
    const source = accepted.source()
    const destination = accepted.destination()
    this.address = source ? formatAddress(source) : 'unix:0'
    this.localAddress = destination ? formatAddress(destination) : 'unix:0'
    this.connectedAt = now
    this.activeAt = now
  }

  /** True when each request must be looked at. */
  get guarded(): boolean {
    return !this.authenticated || this.rules !== null
  }
}
