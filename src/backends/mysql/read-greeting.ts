/** A look at a server's greeting, for those who have no account to log in with. */
import {
  decodeErr,
  decodeGreeting,
  ERR_HEADER,
  type Greeting,
  PACKET_HEADER_BYTES,
} from '../../../codecs/mysql/index.ts'
import type { Address } from '../../config/index.ts'
import { connected, formatAddress } from '../../net/index.ts'
import { ControlError } from './control.ts'

const MAX_BYTES = 4_096

/** Connects and waits for the greeting. Rejects with what connect() says, or with ControlError. */
export async function readGreeting(address: Address, timeoutMs: number): Promise<Greeting> {
  const where = formatAddress(address)
  const socket = await connected({ address, connectTimeoutMs: timeoutMs })
  const payload = await new Promise<Buffer>((resolve, reject) => {
    const fail = (code: string, what: string) => reject(new ControlError('authenticate', code, `${where} ${what}`))
    let bytes: Buffer = Buffer.alloc(0)
    socket.on('data', chunk => {
      bytes = Buffer.concat([bytes, chunk])
      const length = bytes.length < PACKET_HEADER_BYTES ? MAX_BYTES : bytes.readUIntLE(0, 3)
      if (bytes.length >= Math.min(PACKET_HEADER_BYTES + length, MAX_BYTES))
        resolve(bytes.subarray(PACKET_HEADER_BYTES))
    })
    socket.setTimeout(timeoutMs, () => fail('upstream-timeout', `sent no greeting within ${timeoutMs} ms`))
    socket.on('error', () => {})
    socket.on('close', () => fail('upstream-lost', 'closed the connection before its greeting'))
  }).finally(() => socket.destroy())
  if (payload[0] === ERR_HEADER) {
    const { code, message } = decodeErr(payload, 0, payload.length)
    throw new ControlError('authenticate', 'upstream-login', `${message} (${code})`, code)
  }
  try {
    return decodeGreeting(payload, 0, payload.length)
  } catch {
    throw new ControlError('authenticate', 'upstream-protocol', `${where} does not greet as MySQL does`)
  }
}
