/** What the end-to-end cases of Dapr's client for Node.js are run before: components in memory, under the names of that suite. */
import { CommunicationProtocolEnum, type DaprClientOptions } from '@dapr/dapr'
import type { GrpcListener } from '../../../../listeners/grpc/listener.ts'
import { componentKinds } from '../../../../src/components/index.ts'
import { GrpcRig } from '../rig.ts'

export const PROTOCOLS = [
  ['grpc', CommunicationProtocolEnum.GRPC],
  ['http', CommunicationProtocolEnum.HTTP],
] as const

/** Variables that begin so are secrets. */
export const SECRETS = 'CASES_OF_DAPR_'

export function startRig(listener: object = {}): Promise<GrpcRig> {
  return GrpcRig.start({
    kinds: componentKinds,
    components: {
      'config-redis': { api: 'configuration', type: 'memory' },
      redislock: { api: 'lock', type: 'memory' },
      'secret-envvars': { api: 'secrets', type: 'env', options: { prefix: SECRETS } },
      'pubsub-redis': { api: 'pubsub', type: 'memory' },
    },
    listener: { http: '127.0.0.1:0', ...listener },
  })
}

/** How the stock client reaches it. */
export function clientOptions(
  rig: GrpcRig,
  communicationProtocol: CommunicationProtocolEnum,
): Partial<DaprClientOptions> {
  const { httpAddress } = rig.app.generation.listeners.get('api')!.listener as GrpcListener
  const daprPort = communicationProtocol === CommunicationProtocolEnum.GRPC ? rig.port : httpAddress!.split(':')[1]!
  return { daprHost: '127.0.0.1', daprPort, communicationProtocol }
}
