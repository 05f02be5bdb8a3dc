/**
 * Proof that a client is who it says, with its login or with COM_CHANGE_USER. Whether there is such a user makes no
 * difference to path, time and answer.
 */
import { ProtocolError } from '../../codecs/codec.ts'
import {
  CACHING_SHA2_FAST_OK,
  CACHING_SHA2_PASSWORD,
  certificateProof,
  encodeAuthMore,
  encodeAuthSwitch,
  encodeErr,
  NATIVE_PASSWORD,
  nativeHash,
  ServerAuth,
  type ServerError,
  ServerErrors,
} from '../../codecs/mysql/index.ts'
import { satisfies } from './certificate-rule.ts'
import type { Origin } from './origin.ts'
import type { User, Users } from './users.ts'

/** The client is told why, and has to go. */
export class LoginRefusal extends Error {
  readonly error: ServerError

  constructor(error: ServerError, message: string = error.message) {
    super(message)
    this.error = error
  }
}

/** Of the greeting. COM_CHANGE_USER answers it again. */
export interface Challenge {
  readonly plugin: string
  readonly scramble: Buffer
}

export interface Claim {
  readonly user: string
  readonly plugin: string
  readonly proof: Uint8Array
  readonly challenge: Challenge
}

/** How a client is asked for another proof. */
export interface Questioner {
  /** The sequence id that the next packet of ours has. */
  readonly sequence: number
  ask(question: Buffer): Promise<Buffer>
  tell(packet: Buffer): void
}

/** What came of a claim. */
export interface Admission {
  /** Null where anybody is let in. */
  readonly user: User | null
  /** For the OK packet: what a client needs to know that nobody sits in between. */
  readonly info: Buffer
}

/** Rejects with LoginRefusal, ProtocolError, ProxyError. */
export async function authenticate(client: Questioner, claim: Claim, users: Users, origin: Origin): Promise<Admission> {
  if (users.trusting) {
    await satisfy(client, claim)
    return { user: null, info: NO_INFO }
  }
  const user = users.get(claim.user)
  const { challenge, plugin } = claim
  // A user with another certificate is taken for one who is not there: same path, same answer.
  const isThere = user !== undefined && (!user.certificate || satisfies(origin.certificate, user.certificate))
  const auth = new ServerAuth({
    password: isThere ? user.password : null,
    scramble: challenge.scramble,
    challenged: challenge.plugin,
    secure: origin.isSecure,
    fallback: CACHING_SHA2_PASSWORD,
  })
  let bytes = claim.proof
  let step = auth.begin(client.sequence, plugin, bytes)
  while (step.verdict === 'continue') {
    bytes = await client.ask(step.reply!)
    step = auth.answer(client.sequence, bytes)
  }
  if (step.verdict === 'denied') {
    const password = bytes.length > 0 ? 'YES' : 'NO'
    throw new LoginRefusal(
      ServerErrors.accessDenied,
      `Access denied for user '${claim.user}'@'${origin.host}' (using password: ${password})`,
    )
  }
  if (step.reply) client.tell(step.reply)
  return { user: user!, info: proofOf(origin, auth, user!.password) }
}

/** Of our certificate, to clients of MariaDB, which check it where nobody vouches for it. */
function proofOf({ ownFingerprint }: Origin, { plugin, scramble }: ServerAuth, password: string): Buffer {
  if (ownFingerprint === '' || password === '' || plugin !== NATIVE_PASSWORD) return NO_INFO
  return certificateProof(nativeHash(password), scramble, ownFingerprint)
}

/** Lets a client's plugin come to its end, whatever the proof: some libraries take an early OK for a broken handshake. */
async function satisfy(client: Questioner, { plugin, proof, challenge }: Claim): Promise<void> {
  const { scramble } = challenge
  if (plugin === CACHING_SHA2_PASSWORD) {
    // Its library waits for a scramble of its own.
    const isAsking = proof.length === 0 && plugin !== challenge.plugin
    const answer = isAsking ? await client.ask(encodeAuthSwitch(client.sequence, plugin, scramble)) : proof
    const isEmpty = answer.length === 0 || (answer.length === 1 && answer[0] === 0)
    if (!isEmpty) client.tell(encodeAuthMore(client.sequence, Buffer.of(CACHING_SHA2_FAST_OK)))
  } else if (plugin !== '' && !(plugin === NATIVE_PASSWORD && proof.length > 0)) {
    await client.ask(encodeAuthSwitch(client.sequence, NATIVE_PASSWORD, scramble))
  }
}

const NO_INFO = Buffer.alloc(0)

/** What a client that cannot log in is told; null for what is a bug. */
export function refusalPacket(sequence: number, error: unknown): Buffer | null {
  if (error instanceof LoginRefusal) return encodeErr(sequence, error.error, error.message)
  if (error instanceof ProtocolError) {
    return encodeErr(
      sequence,
      error.kind === 'packet-sequence' ? ServerErrors.packetsOutOfOrder : ServerErrors.badHandshake,
    )
  }
  return null
}
