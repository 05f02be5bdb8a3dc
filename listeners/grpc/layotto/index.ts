/** `spec.proto.runtime.v1.Runtime`: what Layotto's clients call, as far as it has no trusted protocol. */
import { daprStatusOf, invokeMethods, pubsubMethods } from '../dapr/index.ts'
import type { Service } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { configurationMethods } from './configuration.ts'
import { lockMethods } from './lock.ts'
import { secretMethods } from './secrets.ts'
import { sequencerMethods } from './sequencer.ts'

interface HelloRequest {
  readonly service_name: string
  readonly name: string
  readonly data: object | null
}

export function layottoService(context: ServiceContext): Service {
  // Messages of the same fields and meaning; Layotto itself hands them to its Dapr API.
  const { InvokeService } = invokeMethods(context)
  const { PublishEvent, SubscribeTopicEventsAlpha1: SubscribeTopicEvents } = pubsubMethods(context)
  return {
    name: 'spec.proto.runtime.v1.Runtime',
    methods: {
      SayHello: ({ name, data }: HelloRequest) => ({ hello: `greeting, ${name}`, ...(data && { data }) }),
      ...configurationMethods(context),
      ...lockMethods(context),
      ...sequencerMethods(context),
      InvokeService: InvokeService!,
      PublishEvent: PublishEvent!,
      SubscribeTopicEvents: SubscribeTopicEvents!,
      ...secretMethods(context),
    },
    dress: daprStatusOf,
  }
}
