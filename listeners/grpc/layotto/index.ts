/** `spec.proto.runtime.v1.Runtime`: what Layotto's clients call, as far as it has no trusted protocol. */
import { ApiError } from '../../../src/apis/index.ts'
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

/** Metadata is no back door to what a store understands. */
export function noMetadata(metadata: Readonly<Record<string, string>> | null): void {
  const [key] = Object.keys(metadata ?? {})
  if (key !== undefined)
    throw new ApiError(
      'invalid-argument',
      `the metadata key ${JSON.stringify(key)} means nothing to every store; none is known here`,
    )
}
