/** COM_CHANGE_USER: the client proves who it is now, and goes on as if it had just logged in. */
import {
  decodeChangeUser,
  encodeErr,
  encodeOk,
  isMariaDb,
  PACKET_HEADER_BYTES,
  ServerErrors,
} from '../../codecs/mysql/index.ts'
import { Outcome } from '../../src/observability/operation-stats.ts'
import { checkDatabase } from './door.ts'
import { errorOf } from './errors.ts'
import { authenticate, LoginRefusal, type Questioner, refusalPacket } from './login.ts'
import type { Session } from './session.ts'
import type { Users } from './users.ts'

/** As MariaDB has it: from then on nobody is asked any more, for as long as the client stays. */
const MAX_REFUSALS = 3
/** Before the client hears that it was refused. */
const REFUSAL_MS = 1000

/** Never rejects but for a bug. */
export async function changeUser(session: Session, packet: Buffer, users: Users): Promise<void> {
  const client = new Conversation(session)
  session.phase = 'waiting'
  const { identity, user: userBefore, challenge } = session
  const { schema } = session.state
  // Whatever comes of it, nothing is left of the session: others need not wait for a client that takes its time.
  session.forget()
  const refuse = (refusal: Buffer) => {
    if (session.closed) return
    if (!isMariaDb(session.backend.greeting)) return leave(session, refusal)
    session.refusedChanges++
    session.identity = identity
    session.user = userBefore
    session.state.schema = schema
    session.forget()
    later(session, refusal)
  }
  if (session.refusedChanges >= MAX_REFUSALS) return refuse(encodeErr(1, ServerErrors.unknownCommand))
  try {
    const change = decodeChangeUser(packet, PACKET_HEADER_BYTES, packet.length, identity.capabilities)
    const claim = { user: change.user, plugin: change.authPlugin, proof: change.proof, challenge }
    const { user } = await authenticate(client, claim, users, session.origin)
    checkDatabase(user, change.database)
    if (session.closed) return
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
    session.enter(proven, error => refuse(encodeErr(client.sequence, errorOf(error))))
  } catch (error) {
    const refusal = refusalPacket(client.sequence, error)
    if (!refusal) throw error
    if (error instanceof LoginRefusal) refuse(refusal)
    else leave(session, refusal)
  }
}

/** MySQL closes. */
function leave(session: Session, refusal: Buffer): void {
  session.answerHere(refusal, Outcome.ERROR)
  session.close()
}

/** With MariaDB the client stays who it was, in a fresh session, and may go on in a second. */
function later(session: Session, refusal: Buffer): void {
  session.host.clock.after(REFUSAL_MS, () => {
    if (session.closed) return
    session.answerHere(refusal, Outcome.ERROR)
    session.answered()
  })
}

class Conversation implements Questioner {
  sequence = 1
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  ask(question: Buffer): Promise<Buffer> {
    this.sequence += 2
    return this.#session.commands.prove(question)
  }

  tell(packet: Buffer): void {
    this.sequence++
    this.#session.answer(packet)
  }
}
