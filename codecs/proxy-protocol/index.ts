/** PROXY protocol, versions 1 and 2: who is behind a connection that another proxy made. */
export { decodeProxyHeader, MAX_PROXY_HEADER_BYTES } from './decode.ts'
export { encodeLocalHeader, encodeProxyHeader } from './encode.ts'
export type { ProxyAddress, ProxyHeader, ProxyVersion } from './header.ts'
