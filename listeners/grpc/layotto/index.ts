/** `spec.proto.runtime.v1.Runtime`: what Layotto's clients call, as far as it has no trusted protocol. */
import type { Service } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'
import { configurationMethods } from './configuration.ts'
import { lockMethods } from './lock.ts'
import { pubsubMethods } from './pubsub.ts'
import { secretMethods } from './secrets.ts'
import { sequencerMethods } from './sequencer.ts'

interface HelloRequest {
  readonly service_name: string
  readonly name: string
  readonly data: object | null
}

export function layottoService(context: ServiceContext): Service {
  return {
    name: 'spec.proto.runtime.v1.Runtime',
    methods: {
      SayHello: ({ name, data }: HelloRequest) => ({ hello: `greeting, ${name}`, ...(data && { data }) }),
      ...configurationMethods(context),
      ...lockMethods(context),
      ...sequencerMethods(context),
      ...pubsubMethods(context),
      ...secretMethods(context),
    },
  }
}
