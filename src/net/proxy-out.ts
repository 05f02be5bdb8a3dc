/** The PROXY headers that a backend's endpoints expect first on each connection. */
import { encodeLocalHeader, encodeProxyHeader } from '../../codecs/proxy-protocol/index.ts'
import type { Address } from '../config/index.ts'

/** As a user writes it. */
export type ProxyOut = 'v1' | 'v2'

const VERSIONS = { v1: 1, v2: 2 } as const

/** For a connection that is relayed for the application at `source`, which dialled `destination`. */
export function proxyHeader(out: ProxyOut, source: Address | undefined, destination: Address | undefined): Buffer {
  return encodeProxyHeader(VERSIONS[out], source, destination)
}

/** For a connection of our own, such as a health check. */
export function ownProxyHeader(out: ProxyOut): Buffer {
  return encodeLocalHeader(VERSIONS[out])
}
