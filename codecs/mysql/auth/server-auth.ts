/**
 * The server's part of a login (or COM_CHANGE_USER) for users whose passwords we know: no cache of them is needed, and so
 * no full authentication of caching_sha2_password. A user that does not exist takes the same steps as a wrong password.
 *
 *     the client's plugin is one of ours ── its bytes ──> right or wrong
 *     another, or none ── AuthSwitchRequest, once ── its bytes ──> right or wrong
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { encodeAuthMore, encodeAuthSwitch } from '../auth-switch.ts'
import { CACHING_SHA2_FAST_OK, CACHING_SHA2_PASSWORD, cachingSha2Hash, checkCachingSha2 } from './caching-sha2.ts'
import { CLEAR_PASSWORD, readClearPassword } from './clear.ts'
import { equal, hash } from './digests.ts'
import { checkNative, NATIVE_PASSWORD, nativeHash } from './native.ts'
import { decryptPassword } from './rsa.ts'
import { newScramble } from './scramble.ts'
import { SHA256_PASSWORD, SHA256_REQUEST_KEY } from './sha256.ts'

export interface ServerAuthOptions {
  /** The user's password, or null when there is no such user: then the verdict is always `denied`. */
  readonly password: string | null
  /** The one of the greeting, and the plugin that it was said to be for. */
  readonly scramble: Uint8Array
  readonly challenged: string
  /** The bytes cannot be read on their way: TLS, or a unix socket. */
  readonly secure: boolean
  /** What a client with an unknown plugin is told to use: the two that need no TLS. */
  readonly fallback: typeof CACHING_SHA2_PASSWORD | typeof NATIVE_PASSWORD
  /** For sha256_password without TLS; without a key such clients are told to use the fallback. */
  readonly privateKey?: KeyObject | undefined
}

/**
 * What comes of a client's bytes. `reply` is a packet to send, in front of the OK packet when the verdict is `granted`;
 * after `continue` the client's answer is awaited.
 */
export interface AuthStep {
  readonly verdict: 'granted' | 'denied' | 'continue'
  readonly reply: Buffer | null
}

export class ServerAuth {
  readonly #options: ServerAuthOptions
  /** What the client is compared with; of a user that does not exist, something that nobody knows. */
  readonly #password: string
  #plugin = ''
  #scramble: Uint8Array

  constructor(options: ServerAuthOptions) {
    this.#options = options
    this.#password = options.password ?? newScramble().toString('latin1')
    this.#scramble = options.scramble
  }

  /** The plugin in use: once granted, the one by which the client proved its password. */
  get plugin(): string {
    return this.#plugin
  }

  /** What the client's proof answered, or has to answer. */
  get scramble(): Uint8Array {
    return this.#scramble
  }

  /**
   * The login's plugin and bytes; a client without plugins has mysql_native_password. `sequence` is that of the reply.
   * Throws ProtocolError `malformed-packet`.
   */
  begin(sequence: number, plugin: string, bytes: Uint8Array): AuthStep {
    this.#plugin = plugin === '' ? NATIVE_PASSWORD : plugin
    // With a plugin that the scramble was not for, clients' libraries send nothing and wait for one that is.
    const isAsking = bytes.length === 0 && plugin !== '' && plugin !== this.#options.challenged
    if (this.#accepts(this.#plugin) && !isAsking) return this.answer(sequence, bytes)
    this.#plugin = this.#options.fallback
    this.#scramble = newScramble()
    return { verdict: 'continue', reply: encodeAuthSwitch(sequence, this.#plugin, this.#scramble) }
  }

  /** The client's answer to the last reply. Throws ProtocolError `malformed-packet`. */
  answer(sequence: number, bytes: Uint8Array): AuthStep {
    const password = this.#password
    const isEmpty = bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0)
    if (isEmpty) return this.#verdict(password === '')
    switch (this.#plugin) {
      case NATIVE_PASSWORD:
        return this.#verdict(checkNative(bytes, this.#scramble, nativeHash(password)))
      case CACHING_SHA2_PASSWORD: {
        const right = checkCachingSha2(bytes, this.#scramble, cachingSha2Hash(password))
        return this.#verdict(right, encodeAuthMore(sequence, Buffer.of(CACHING_SHA2_FAST_OK)))
      }
      case SHA256_PASSWORD:
        return this.#answerSha256(sequence, bytes)
      default:
        return this.#compare(readClearPassword(bytes))
    }
  }

  #accepts(plugin: string): boolean {
    const { secure, privateKey } = this.#options
    if (plugin === CLEAR_PASSWORD) return secure
    if (plugin === SHA256_PASSWORD) return secure || privateKey !== undefined
    return plugin === NATIVE_PASSWORD || plugin === CACHING_SHA2_PASSWORD
  }

  #answerSha256(sequence: number, bytes: Uint8Array): AuthStep {
    const { secure, privateKey } = this.#options
    if (secure || privateKey === undefined) return this.#compare(readClearPassword(bytes))
    if (bytes.length === 1 && bytes[0] === SHA256_REQUEST_KEY) {
      const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
      return { verdict: 'continue', reply: encodeAuthMore(sequence, Buffer.from(pem)) }
    }
    return this.#compare(decryptPassword(bytes, this.#scramble, privateKey))
  }

  #compare(password: Buffer): AuthStep {
    return this.#verdict(equal(hash('sha256', password), hash('sha256', this.#password)))
  }

  #verdict(right: boolean, reply: Buffer | null = null): AuthStep {
    if (right && this.#options.password !== null) return { verdict: 'granted', reply }
    return { verdict: 'denied', reply: null }
  }
}
