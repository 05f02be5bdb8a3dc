/**
 * What a PROXY header says, and the numbers of its binary form.
 * Specification: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */
export type ProxyVersion = 1 | 2

export type ProxyAddress = { readonly host: string; readonly port: number } | { readonly path: string }

export interface ProxyHeader {
  readonly version: ProxyVersion
  /** Absent when the sender does not tell (UNKNOWN, LOCAL, UNSPEC, datagrams): then the connection's own ends count. */
  readonly source?: ProxyAddress
  readonly destination?: ProxyAddress
  /** How many bytes the header took; what follows belongs to the protocol behind it. */
  readonly byteLength: number
}

export const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** Signature, version and command, family and transport, length. */
export const V2_PREFIX_BYTES = 16

export const COMMAND_LOCAL = 0
export const COMMAND_PROXY = 1

export const FAMILY_UNSPEC = 0
export const FAMILY_INET = 1
export const FAMILY_INET6 = 2
export const FAMILY_UNIX = 3

export const TRANSPORT_UNSPEC = 0
export const TRANSPORT_STREAM = 1
export const TRANSPORT_DATAGRAM = 2

/** Bytes of a unix socket's path on the wire, padded with NUL. */
export const UNIX_PATH_BYTES = 108
