/**
 * What a client that has logged in at the server itself (relay) does to its session there, on its own connection: the server
 * makes it a fresh one, or asks who the client is now.
 */
import { COM_CHANGE_USER, COM_RESET_CONNECTION, PACKET_HEADER_BYTES } from '../../codecs/mysql/index.ts'
import type { Upstream } from '../../src/backends/mysql/index.ts'
import { Handled } from './command-handler.ts'
import { UNEQUAL } from './relay.ts'
import type { Session } from './session.ts'

export class RelayedSession {
  readonly #session: Session
  readonly #upstream: Upstream
  /** Either both hops are secure or none: a password may pass in whatever form the client thinks right. */
  readonly #isEqual: boolean

  constructor(session: Session, upstream: Upstream, isEqual: boolean) {
    this.#session = session
    this.#upstream = upstream
    this.#isEqual = isEqual
  }

  reset(packet: Buffer): Handled {
    this.#send(COM_RESET_CONNECTION, packet)
    return Handled.WAIT
  }

  changeUser(packet: Buffer, partial: boolean): Handled {
    const session = this.#session
    if (!this.#isEqual || partial) {
      session.fail(UNEQUAL)
      session.close()
      return Handled.DONE
    }
    const name = packet.indexOf(0, PACKET_HEADER_BYTES + 1)
    const username = packet.toString('utf8', PACKET_HEADER_BYTES + 1, name < 0 ? undefined : name)
    this.#send(COM_CHANGE_USER, packet, () => {
      session.identity = { ...session.identity, username }
    })
    return Handled.WAIT
  }

  #send(command: number, packet: Buffer, done = () => {}): void {
    const session = this.#session
    session.exchange.send(this.#upstream, command, packet, {
      done: tracker => {
        // Where it is refused and the client stays, MariaDB has made the session a fresh one all the same.
        session.statements.clear()
        this.#upstream.forget()
        if (!tracker.error) done()
      },
    })
  }
}
