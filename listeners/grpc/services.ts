/** All services of a grpc listener. */
import type { Runtime } from '../../src/protocol.ts'
import type { Services } from '../../src/services/index.ts'
import { daprService } from './dapr/index.ts'
import { healthService } from './health.ts'
import { layottoService } from './layotto/index.ts'
import type { GrpcListenerOptions } from './options.ts'
import { portolanServices } from './portolan/index.ts'
import { reflectionServices } from './reflection.ts'
import type { Service } from './rpc.ts'

export interface ServiceContext {
  readonly services: Services
  readonly runtime: Runtime
  /** As they are now: a reload may change them. */
  readonly options: () => GrpcListenerOptions
}

export function allServices(context: ServiceContext): readonly Service[] {
  const own = [daprService(context), layottoService(context), ...portolanServices(context)]
  const names = own.map(({ name }) => name)
  const health = healthService(names)
  return [...own, health, ...reflectionServices([...names, health.name])]
}
