/** The upstream half of the TCP relay. */
import type { BackendConfig } from '../../config/index.ts'
import type { BackendKind, Runtime } from '../../protocol.ts'
import { TcpBackend } from './backend.ts'
import { type TcpBackendOptions, tcpBackendOptions } from './options.ts'

export { type OpenRequest, type OpenSink, TcpBackend, type TcpConnection } from './backend.ts'

export const tcpBackendKind: BackendKind = {
  protocol: 'tcp',
  options: tcpBackendOptions,
  build(config: BackendConfig, runtime: Runtime): TcpBackend {
    return new TcpBackend(config.name, config.options as TcpBackendOptions, runtime)
  },
}
