/**
 * The client's part of a login: what to send first, and what to answer to each AuthSwitchRequest and AuthMoreData. The
 * verdict, OK or ERR, is for others to read.
 */
import { ProtocolError } from '../../codec.ts'
import { AUTH_MORE_HEADER, AUTH_SWITCH_HEADER, decodeAuthSwitch } from '../auth-switch.ts'
import { SCRAMBLE_BYTES } from '../greeting.ts'
import { malformed } from '../reader.ts'
import {
  CACHING_SHA2_FAST_OK,
  CACHING_SHA2_FULL,
  CACHING_SHA2_PASSWORD,
  CACHING_SHA2_REQUEST_KEY,
  cachingSha2Proof,
} from './caching-sha2.ts'
import { CLEAR_PASSWORD, clearPassword } from './clear.ts'
import { ED25519, ED25519_SCRAMBLE_BYTES, ed25519Proof } from './ed25519.ts'
import { NATIVE_PASSWORD, nativeProof } from './native.ts'
import { PARSEC, PARSEC_SCRAMBLE_BYTES, parsecProof } from './parsec.ts'
import { encryptPassword } from './rsa.ts'
import { SHA256_PASSWORD, SHA256_REQUEST_KEY } from './sha256.ts'

export interface ClientAuthOptions {
  readonly password: string
  /** The bytes cannot be read on their way: TLS, or a unix socket. */
  readonly secure: boolean
  /** The server's RSA key in PEM form, where the password is sent without TLS. */
  readonly publicKey?: string | undefined
  /** Without `publicKey`: asks the server for it. Whoever stands in between could answer with his own. */
  readonly requestPublicKey?: boolean | undefined
}

const PLUGINS = [NATIVE_PASSWORD, CACHING_SHA2_PASSWORD, ED25519, PARSEC, SHA256_PASSWORD, CLEAR_PASSWORD]
/** Of other lengths than the usual. */
const SCRAMBLE_LENGTHS: Readonly<Record<string, number>> = {
  [ED25519]: ED25519_SCRAMBLE_BYTES,
  [PARSEC]: PARSEC_SCRAMBLE_BYTES,
}

/** Whether `ClientAuth` knows the plugin. One that it does not know makes a server ask for the right one. */
export function isClientPlugin(plugin: string): boolean {
  return PLUGINS.includes(plugin)
}

export class ClientAuth {
  readonly #options: ClientAuthOptions
  #plugin = ''
  #scramble: Buffer = Buffer.alloc(0)
  #awaitsKey = false

  constructor(options: ClientAuthOptions) {
    this.#options = options
  }

  /**
   * The plugin's first bytes, for the login packet; `data` is the greeting's scramble. Throws ProtocolError `auth-plugin`
   * when the plugin is unknown or wants the password in clear where it can be read.
   */
  begin(plugin: string, data: Uint8Array): Buffer {
    this.#plugin = plugin
    this.#scramble = Buffer.from(data.subarray(0, SCRAMBLE_LENGTHS[plugin] ?? SCRAMBLE_BYTES))
    this.#awaitsKey = false
    const { password } = this.#options
    switch (plugin) {
      case NATIVE_PASSWORD:
        return nativeProof(password, this.#scramble)
      case CACHING_SHA2_PASSWORD:
        return cachingSha2Proof(password, this.#scramble)
      case ED25519:
        return ed25519Proof(password, this.#scramble)
      case PARSEC:
        // Asks for the salt.
        return Buffer.alloc(0)
      case SHA256_PASSWORD:
        return password === '' ? Buffer.alloc(1) : this.#send(SHA256_REQUEST_KEY)
      case CLEAR_PASSWORD:
        return this.#clear()
      default:
        throw new ProtocolError('auth-plugin', `the server asks for ${plugin}`)
    }
  }

  /** What to answer to a payload that begins with 0xfe or 0x01, or null when the server goes on. Rejects with ProtocolError. */
  async answer(bytes: Uint8Array, start: number, end: number): Promise<Buffer | null> {
    if (bytes[start] === AUTH_SWITCH_HEADER) {
      const { plugin, data } = decodeAuthSwitch(bytes, start, end)
      return this.begin(plugin, data)
    }
    if (bytes[start] !== AUTH_MORE_HEADER || end - start < 2) throw malformed('neither OK, ERR nor a step of the login')
    if (this.#awaitsKey) {
      this.#awaitsKey = false
      return encryptPassword(this.#options.password, this.#scramble, bytes.subarray(start + 1, end))
    }
    if (this.#plugin === PARSEC) {
      return parsecProof(this.#options.password, this.#scramble, bytes.subarray(start + 1, end))
    }
    if (this.#plugin === CACHING_SHA2_PASSWORD) {
      if (bytes[start + 1] === CACHING_SHA2_FAST_OK) return null
      if (bytes[start + 1] === CACHING_SHA2_FULL) return this.#send(CACHING_SHA2_REQUEST_KEY)
    }
    throw new ProtocolError('auth-plugin', `${this.#plugin} does not know what the server wants`)
  }

  #clear(): Buffer {
    if (!this.#options.secure)
      throw new ProtocolError('auth-plugin', 'the server asks for the password in clear, without TLS')
    return clearPassword(this.#options.password)
  }

  /** The password, in clear or encrypted; or first the request for the key. */
  #send(requestKey: number): Buffer {
    const { password, secure, publicKey, requestPublicKey } = this.#options
    if (secure) return clearPassword(password)
    if (publicKey !== undefined) return encryptPassword(password, this.#scramble, publicKey)
    if (!requestPublicKey) {
      throw new ProtocolError(
        'auth-plugin',
        `${this.#plugin} needs TLS or the server's public key to send the password`,
      )
    }
    this.#awaitsKey = true
    return Buffer.of(requestKey)
  }
}
