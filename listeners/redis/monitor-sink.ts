/** MONITOR as an application expects it: without the lines of Portolan's own preparations of its connections. */
import type { ReplySink } from '../../src/backends/redis/index.ts'
import type { ProxyError } from '../../src/errors.ts'
import type { Session } from './session.ts'

/** `+1339518083.107412 [0 127.0.0.1:60866] "SELECT" "9"`; what clients say in these commands never goes upstream. */
const OWN = /^\+[\d.]+ \[[^\]]*\] "(HELLO|AUTH|SELECT)"|"CLIENT" "SETNAME" "portolan"\r\n$/i

export class MonitorSink implements ReplySink {
  readonly stats = null
  readonly framewise = true
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  deliver(bytes: Buffer, start: number, end: number, replies: number): boolean {
    const line = bytes.toString('latin1', start, Math.min(end, start + 200))
    return OWN.test(line) ? false : this.#session.deliver(bytes, start, end, replies)
  }

  deliverLocal(): void {}
  fail(_replies: number, _error: ProxyError): void {}
  resume(): void {}
  slow(): void {}
}
