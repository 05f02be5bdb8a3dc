/** Connections, whatever the protocol. */
export { formatAddress, localOf, remoteOf, sameAddress, withoutMapping } from './address.ts'
export { type ConnectSink, type ConnectTarget, connect, connected } from './connect.ts'
export {
  type ClientTls,
  type ClientTlsOptions,
  clientTls,
  type ServerTls,
  type ServerTlsOptions,
  serverTls,
} from './tls.ts'
