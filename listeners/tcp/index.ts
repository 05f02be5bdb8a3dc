/** The TCP relay: any protocol, passed on as it is. Also the example of how a protocol is added (listeners/README.md). */
import type { ListenerConfig } from '../../src/config/index.ts'
import type { Protocol, Runtime } from '../../src/protocol.ts'
import { TcpListener } from './listener.ts'
import { type TcpOptions, tcpOptions } from './options.ts'

export const tcp: Protocol = {
  name: 'tcp',
  options: tcpOptions,
  exposed: options => (options as TcpOptions).tls?.requireClientCertificate === true,
  build(config: ListenerConfig, runtime: Runtime): TcpListener {
    return new TcpListener(config, runtime)
  },
}
