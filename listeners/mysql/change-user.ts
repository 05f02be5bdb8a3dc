/** COM_CHANGE_USER: the client proves who it is now, and goes on as if it had just logged in. */
import { decodeChangeUser, encodeErr, encodeOk, PACKET_HEADER_BYTES } from '../../codecs/mysql/index.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import { checkDatabase } from './door.ts'
import { errorOf } from './errors.ts'
import { authenticate, type Questioner, refusalPacket } from './login.ts'
import type { Session } from './session.ts'
import type { Users } from './users.ts'

/** Never rejects but for a bug. A client that cannot prove it is told so and has to go, as with the server. */
export async function changeUser(session: Session, packet: Buffer, users: Users): Promise<void> {
  const client = new Conversation(session)
  session.phase = 'waiting'
  try {
    const { identity, challenge } = session
    const change = decodeChangeUser(packet, PACKET_HEADER_BYTES, packet.length, identity.capabilities)
    const claim = { user: change.user, plugin: change.authPlugin, proof: change.proof, challenge }
    const { user } = await authenticate(client, claim, users, session.origin)
    checkDatabase(user, change.database)
    if (session.closed) return
    session.forget()
    session.user = user
    session.identity = {
      username: change.user,
      password: user?.password ?? '',
      capabilities: identity.capabilities,
      collation: change.collation & 0xff || identity.collation,
      generation: session.backend.generation,
    }
    session.state.schema = change.database === '' ? null : change.database
    const proven = () => {
      session.answerHere(encodeOk(client.sequence, { status: session.status }))
      session.answered()
    }
    session.enter(proven, error => refuse(session, encodeErr(client.sequence, errorOf(error))))
  } catch (error) {
    const refusal = refusalPacket(client.sequence, error)
    if (!refusal) throw error
    refuse(session, refusal)
  }
}

function refuse(session: Session, packet: Buffer): void {
  session.answerHere(packet, Outcome.ERROR)
  session.close()
}

class Conversation implements Questioner {
  sequence = 1
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  ask(question: Buffer): Promise<Buffer> {
    this.sequence += 2
    return this.#session.prove(question)
  }

  tell(packet: Buffer): void {
    this.sequence++
    this.#session.answer(packet)
  }
}
