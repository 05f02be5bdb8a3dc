/** Addresses as text: for logs, metrics, errors and status pages. */
import type { Socket } from 'node:net'
import type { Address } from '../config/index.ts'

/** `host:port`, with brackets around an IPv6 address, or the path of a unix socket. */
export function formatAddress(address: Address): string {
  if ('path' in address) return address.path
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

export function sameAddress(a: Address, b: Address): boolean {
  return formatAddress(a) === formatAddress(b)
}

/** The far end of an accepted or dialled connection; undefined for unix sockets and closed connections. */
export function remoteOf(socket: Socket): Address | undefined {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : { host: withoutMapping(remoteAddress), port: remotePort }
}

/** The near end of a connection; undefined for unix sockets and closed connections. */
export function localOf(socket: Socket): Address | undefined {
  const { localAddress, localPort } = socket
  return localAddress === undefined || localPort === undefined
    ? undefined
    : { host: withoutMapping(localAddress), port: localPort }
}

/** A dual-stack socket shows IPv4 peers as `::ffff:10.0.0.1`; people and CIDR lists mean `10.0.0.1`. */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
