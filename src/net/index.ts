/** Connections, whatever the protocol. */
export { formatAddress, localOf, remoteOf, sameAddress, withoutMapping } from './address.ts'
export { type ConnectSink, type ConnectTarget, connect, connected } from './connect.ts'
export { type Accepted, type Bound, type ListenLimits, type ListenOptions, type ListenSink, listen } from './listen.ts'
export { listenError } from './listen-error.ts'
export { isCidr, PeerFilter } from './peer-filter.ts'
export { type ClientTls, openClientTls, openServerTls, type ServerTls } from './tls.ts'
