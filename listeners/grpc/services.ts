/** All services of a grpc listener. */
import type { OpenPlugin } from '../../src/plugins/index.ts'
import type { Runtime } from '../../src/protocol.ts'
import type { Services } from '../../src/services/index.ts'
import { daprService } from './dapr/index.ts'
import { healthService } from './health.ts'
import { layottoService } from './layotto/index.ts'
import type { GrpcListenerOptions } from './options.ts'
import { pluginService } from './plugins.ts'
import { portolanServices } from './portolan/index.ts'
import { reflectionServices } from './reflection.ts'
import type { Service } from './rpc.ts'

export interface ServiceContext {
  readonly services: Services
  readonly runtime: Runtime
  readonly plugins: readonly OpenPlugin[]
  /** As they are now: a reload may change them. */
  readonly options: () => GrpcListenerOptions
}

export function allServices(context: ServiceContext): readonly Service[] {
  const { plugins } = context
  const own = [
    daprService(context),
    layottoService(context),
    ...portolanServices(context),
    ...plugins.map(pluginService),
  ]
  const names = own.map(({ name }) => name)
  const health = healthService(names)
  return [
    ...own,
    health,
    ...reflectionServices(
      [...names, health.name],
      plugins.map(({ schema }) => schema),
    ),
  ]
}
