/** Which peers something is allowed to: addresses, CIDR blocks, and the word `unix` for peers on a unix socket. */
import { BlockList, isIP } from 'node:net'
import { withoutMapping } from './address.ts'

export class PeerFilter {
  readonly #blocks = new BlockList()
  readonly #unix: boolean

  /** Each entry must satisfy isCidr. */
  constructor(entries: readonly string[]) {
    this.#unix = entries.includes('unix')
    for (const entry of entries) {
      if (entry === 'unix') continue
      const { host, bits, family } = parseCidr(entry)!
      this.#blocks.addSubnet(host, bits, family)
    }
  }

  /** The address is that of socket.remoteAddress: undefined for a unix socket. */
  has(address: string | undefined): boolean {
    if (address === undefined) return this.#unix
    const host = withoutMapping(address)
    return this.#blocks.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** True for `10.0.0.0/8`, `10.1.2.3`, `fd00::/8`, `::1` and `unix`. */
export function isCidr(text: string): boolean {
  return text === 'unix' || parseCidr(text) !== undefined
}

interface Cidr {
  readonly host: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text)
  const host = match?.[1] ?? ''
  const version = isIP(host)
  const width = version === 6 ? 128 : 32
  const bits = match?.[2] === undefined ? width : Number(match[2])
  if (version === 0 || bits > width) return undefined
  return { host, bits, family: version === 6 ? 'ipv6' : 'ipv4' }
}
