/**
 * The beginning of a client's connection: greeting, TLS, and the proof that it is who it says. As the passwords are known
 * in the clear, the first proof of any plugin can be checked at once. Whether there is such a user makes no difference to
 * path, time and answer.
 */

import { timingSafeEqual } from 'node:crypto'
import { ProtocolError } from '../../codecs/codec.ts'
import {
  CACHING_SHA2_FAST_OK,
  CACHING_SHA2_PASSWORD,
  type Capabilities,
  CLEAR_PASSWORD,
  CLIENT_PLUGIN_AUTH,
  cachingSha2Hash,
  checkCachingSha2,
  checkNative,
  encodeAuthMore,
  encodeAuthSwitch,
  encodeErr,
  NATIVE_PASSWORD,
  nativeHash,
  newScramble,
  readClearPassword,
  type ServerError,
  ServerErrors,
  SHA256_PASSWORD,
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

/** What a client offers for proof: with its login, or with COM_CHANGE_USER. */
export interface Claim {
  readonly user: string
  readonly plugin: string
  readonly proof: Uint8Array
  readonly capabilities: Capabilities
}

/** Where the claim comes from, for the words of an error. */
export interface Origin {
  readonly host: string
  readonly isSecure: boolean
}

/** A password that nobody has, for users that there are not. */
const NOBODY = { name: '', password: newScramble().toString('hex'), databases: null, readOnly: false } satisfies User

/** How a client is asked for another proof. */
export interface Questioner {
  /** The sequence id that the next packet of ours has. */
  readonly sequence: number
  ask(question: Buffer): Promise<Buffer>
  tell(packet: Buffer): void
}

/** Checks the claim; asks the client for another proof where it has to. Rejects with LoginRefusal, ProtocolError, ProxyError. */
export async function authenticate(
  client: Questioner,
  claim: Claim,
  scramble: Buffer,
  users: Users,
  origin: Origin,
): Promise<User | null> {
  if (users.trusting) return null
  const user = users.get(claim.user) ?? NOBODY
  let { plugin, proof } = claim
  let challenge = scramble
  if (!PLUGINS[plugin] || (proof.length === 0 && user.password !== '')) {
    plugin = PLUGINS[plugin] ? plugin : NATIVE_PASSWORD
    if ((claim.capabilities.low & CLIENT_PLUGIN_AUTH) !== 0) {
      challenge = newScramble()
      proof = await client.ask(encodeAuthSwitch(client.sequence, plugin, challenge))
    }
  }
  const check = PLUGINS[plugin] ?? PLUGINS[NATIVE_PASSWORD]!
  const isRight = check(user.password, proof, challenge, origin.isSecure)
  if (!isRight || user === NOBODY) {
    throw new LoginRefusal(
      ServerErrors.accessDenied,
      `Access denied for user '${claim.user}'@'${origin.host}' (using password: ${proof.length > 0 ? 'YES' : 'NO'})`,
    )
  }
  if (plugin === CACHING_SHA2_PASSWORD && proof.length > 0)
    client.tell(encodeAuthMore(client.sequence, Buffer.of(CACHING_SHA2_FAST_OK)))
  return user
}

type Check = (password: string, proof: Uint8Array, challenge: Buffer, isSecure: boolean) => boolean

const PLUGINS: Readonly<Record<string, Check>> = {
  [NATIVE_PASSWORD]: (password, proof, challenge) =>
    password === '' ? proof.length === 0 : checkNative(proof, challenge, nativeHash(password)),
  [CACHING_SHA2_PASSWORD]: (password, proof, challenge) =>
    password === '' ? isNothing(proof) : checkCachingSha2(proof, challenge, cachingSha2Hash(password)),
  [CLEAR_PASSWORD]: (password, proof, _challenge, isSecure) => isSecure && isEqual(readClearPassword(proof), password),
  [SHA256_PASSWORD]: (password, proof, _challenge, isSecure) => isSecure && isEqual(readClearPassword(proof), password),
}

/** No proof, or the NUL that some clients send for an empty password. */
function isNothing(proof: Uint8Array): boolean {
  return proof.length === 0 || (proof.length === 1 && proof[0] === 0)
}

function isEqual(given: Buffer, password: string): boolean {
  const [a, b] = [nativeHash(given), nativeHash(password)]
  return timingSafeEqual(a, b)
}

/** What a client that cannot log in is told. */
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
