/**
 * Logins that the server itself judges: its greeting, its questions and the client's answers pass, whatever the plugin. A
 * password in clear, or what only looks encrypted, is never sent on where it can be read: where one hop is secure and the
 * other is not, the full authentication of caching_sha2_password is done anew on each, and others are refused.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import {
  AUTH_MORE_HEADER,
  AUTH_SWITCH_HEADER,
  CACHING_SHA2_FAST_OK,
  CACHING_SHA2_FULL,
  CACHING_SHA2_PASSWORD,
  CACHING_SHA2_REQUEST_KEY,
  CLEAR_PASSWORD,
  clearPassword,
  decodeAuthSwitch,
  decryptPassword,
  ERR_HEADER,
  encodeAuthMore,
  encodePacket,
  encryptPassword,
  type Login,
  OK_HEADER,
  readClearPassword,
  SCRAMBLE_BYTES,
  type ServerError,
  SHA256_PASSWORD,
} from '../../codecs/mysql/index.ts'
import type { Call, PacketWire } from '../../src/backends/mysql/index.ts'
import { LoginRefusal } from './login.ts'

/** Plugins whose answers are the password itself. */
const IN_CLEAR = [CLEAR_PASSWORD, 'dialog', 'authentication_openid_connect_client']

/** Where the password would be lost, or could not be sent. */
export const UNEQUAL: ServerError = {
  code: 1251,
  sqlState: '08004',
  message: 'This login needs TLS on both sides of the proxy, or on none',
}

/** Passes the login; the server's OK is the answer's, its error goes to the client and is null. */
export async function relayLogin(
  client: PacketWire,
  call: Call,
  login: Login,
  isSecure: boolean,
): Promise<Buffer | null> {
  const server = call.wire
  let plugin = login.authPlugin
  let scramble: Uint8Array = call.greeting.scramble
  checkPlugin(plugin, isSecure, call.isSecure)
  await call.logIn(login)
  for (;;) {
    const payload = await server.read()
    const first = payload[0]
    if (first === OK_HEADER) return payload
    if (first === AUTH_SWITCH_HEADER && payload.length > 1) {
      const change = decodeAuthSwitch(payload, 0, payload.length)
      plugin = change.plugin
      scramble = change.data.subarray(0, SCRAMBLE_BYTES)
      checkPlugin(plugin, isSecure, call.isSecure)
    }
    const step = plugin === CACHING_SHA2_PASSWORD && first === AUTH_MORE_HEADER && payload.length === 2 ? payload[1] : 0
    if (step === CACHING_SHA2_FULL && isSecure !== call.isSecure) {
      const password = isSecure ? await askInClear(client) : await askEncrypted(client, scramble)
      if (call.isSecure) server.write(encodePacket(server.sequence, clearPassword(password)))
      else await sendEncrypted(server, password, scramble)
      continue
    }
    client.write(encodePacket(client.sequence, payload))
    if (first === ERR_HEADER) return null
    // The server goes on by itself.
    if (step === CACHING_SHA2_FAST_OK) continue
    server.write(encodePacket(server.sequence, await client.read()))
  }
}

function checkPlugin(plugin: string, clientIsSecure: boolean, serverIsSecure: boolean): void {
  if (IN_CLEAR.includes(plugin) && !serverIsSecure)
    throw new LoginRefusal(UNEQUAL, `${plugin} sends the password as it is: give the backend of this listener \`tls\``)
  // What it sends depends on whether its own hop is secure.
  if (plugin === SHA256_PASSWORD && clientIsSecure !== serverIsSecure) throw new LoginRefusal(UNEQUAL)
}

async function askInClear(client: PacketWire): Promise<string> {
  client.write(encodeAuthMore(client.sequence, Buffer.of(CACHING_SHA2_FULL)))
  return readClearPassword(await client.read()).toString()
}

async function askEncrypted(client: PacketWire, scramble: Uint8Array): Promise<string> {
  client.write(encodeAuthMore(client.sequence, Buffer.of(CACHING_SHA2_FULL)))
  const request = await client.read()
  if (request.length !== 1 || request[0] !== CACHING_SHA2_REQUEST_KEY) throw new LoginRefusal(UNEQUAL)
  const { publicKey, privateKey } = await ownKey()
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  client.write(encodeAuthMore(client.sequence, Buffer.from(pem)))
  return decryptPassword(await client.read(), scramble, privateKey).toString()
}

async function sendEncrypted(server: PacketWire, password: string, scramble: Uint8Array): Promise<void> {
  server.write(encodePacket(server.sequence, Buffer.of(CACHING_SHA2_REQUEST_KEY)))
  const key = await server.read()
  if (key[0] !== AUTH_MORE_HEADER) throw new LoginRefusal(UNEQUAL)
  server.write(encodePacket(server.sequence, encryptPassword(password, scramble, key.subarray(1))))
}

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

let made: Promise<KeyPair> | undefined

/** For passwords of clients without TLS; made when the first one needs it. */
function ownKey(): Promise<KeyPair> {
  made ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return made
}
