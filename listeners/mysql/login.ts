/**
 * Proof that a client is who it says, with its login or with COM_CHANGE_USER. Whether there is such a user makes no
 * difference to path, time and answer.
 */
import type { KeyObject } from 'node:crypto'
import { ProtocolError } from '../../codecs/codec.ts'
import {
  CACHING_SHA2_FAST_OK,
  CACHING_SHA2_PASSWORD,
  encodeAuthMore,
  encodeAuthSwitch,
  encodeErr,
  NATIVE_PASSWORD,
  ServerAuth,
  type ServerError,
  ServerErrors,
} from '../../codecs/mysql/index.ts'
import type { User, Users } from './users.ts'

/** The client is told why, and has to go. */
export class LoginRefusal extends Error {
  readonly error: ServerError

  constructor(error: ServerError, message: string = error.message) {
    super(message)
    this.error = error
  }
}

export interface Claim {
  readonly user: string
  readonly plugin: string
  readonly proof: Uint8Array
  /** What the client was challenged with in the greeting. */
  readonly scramble: Buffer
}

/** Where the claim comes from. */
export interface Origin {
  /** For the words of an error. */
  readonly host: string
  readonly isSecure: boolean
  /** Lets clients without TLS encrypt their passwords for sha256_password. */
  readonly privateKey?: KeyObject | undefined
}

/** How a client is asked for another proof. */
export interface Questioner {
  /** The sequence id that the next packet of ours has. */
  readonly sequence: number
  ask(question: Buffer): Promise<Buffer>
  tell(packet: Buffer): void
}

/** The user; null where anybody is let in. Rejects with LoginRefusal, ProtocolError, ProxyError. */
export async function authenticate(
  client: Questioner,
  claim: Claim,
  users: Users,
  origin: Origin,
): Promise<User | null> {
  if (users.trusting) {
    await satisfy(client, claim)
    return null
  }
  const user = users.get(claim.user)
  const { scramble, plugin } = claim
  const auth = new ServerAuth({
    password: user?.password ?? null,
    scramble,
    secure: origin.isSecure,
    fallback: CACHING_SHA2_PASSWORD,
    privateKey: origin.privateKey,
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
  return user!
}

/** Lets a client's plugin come to its end, whatever the proof: some libraries take an early OK for a broken handshake. */
async function satisfy(client: Questioner, { plugin, proof, scramble }: Claim): Promise<void> {
  const hasProof = proof.length > 0
  if (plugin === CACHING_SHA2_PASSWORD) {
    if (hasProof) client.tell(encodeAuthMore(client.sequence, Buffer.of(CACHING_SHA2_FAST_OK)))
  } else if (plugin !== '' && !(plugin === NATIVE_PASSWORD && hasProof)) {
    await client.ask(encodeAuthSwitch(client.sequence, NATIVE_PASSWORD, scramble))
  }
}

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
