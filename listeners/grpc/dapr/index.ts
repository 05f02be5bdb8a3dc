/** `dapr.proto.runtime.v1.Dapr`: what Dapr's clients call, as far as it has no trusted protocol. */
import type { Service } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { configurationMethods } from './configuration.ts'
import { daprStatusOf } from './errors.ts'
import { invokeMethods } from './invoke.ts'
import { lockMethods } from './lock.ts'
import { metadataMethods } from './metadata.ts'
import { pubsubMethods } from './pubsub.ts'
import { secretMethods } from './secrets.ts'

export { daprStatusOf } from './errors.ts'
export { eventFields } from './event.ts'
export { invokeMethods, VERBS } from './invoke.ts'
export { pubsubMethods } from './pubsub.ts'
export { storeOf } from './stores.ts'

export function daprService(context: ServiceContext): Service {
  return {
    name: 'dapr.proto.runtime.v1.Dapr',
    methods: {
      ...configurationMethods(context),
      ...invokeMethods(context),
      ...lockMethods(context),
      ...pubsubMethods(context),
      ...secretMethods(context),
      ...metadataMethods(context),
    },
    dress: daprStatusOf,
  }
}
