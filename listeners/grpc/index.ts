/** The standardized APIs over gRPC, as Dapr's and Layotto's clients speak it and in Portolan's own words. */
import type { ListenerConfig } from '../../src/config/index.ts'
import type { Protocol, Runtime } from '../../src/protocol.ts'
import { GrpcListener } from './listener.ts'
import { type GrpcListenerOptions, grpcListenerOptions } from './options.ts'

export const grpc: Protocol = {
  name: 'grpc',
  options: grpcListenerOptions,
  usesComponents: true,
  plugins: options => (options as GrpcListenerOptions).plugins,
  exposed(options) {
    const { token, tls } = options as GrpcListenerOptions
    return token !== undefined || tls?.requireClientCertificate === true
  },
  environment(_config: ListenerConfig, address: string) {
    if (address.startsWith('/')) return { DAPR_GRPC_ENDPOINT: `unix://${address}` }
    const port = address.slice(address.lastIndexOf(':') + 1)
    return { DAPR_GRPC_PORT: port, runtime_GRPC_PORT: port }
  },
  build: (config: ListenerConfig, runtime: Runtime) => new GrpcListener(config, runtime),
}
