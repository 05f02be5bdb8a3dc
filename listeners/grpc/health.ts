/** gRPC's health checking protocol: whoever gets an answer at all gets SERVING. */
import { status } from '@grpc/grpc-js'
import { statusError } from './errors.ts'
import type { Outgoing, Service } from './rpc.ts'

const SERVING = { status: 1 }
const KNOWN = new Set([
  '',
  'dapr.proto.runtime.v1.Dapr',
  'spec.proto.runtime.v1.Runtime',
  'portolan.v1.Discovery',
  'portolan.v1.Configuration',
  'portolan.v1.Lock',
  'portolan.v1.Sequencer',
  'portolan.v1.Secrets',
  'portolan.v1.PubSub',
])

interface Request {
  readonly service: string
}

class UnknownService extends Error {}

export function healthService(): Service {
  return {
    name: 'grpc.health.v1.Health',
    methods: {
      Check({ service }: Request) {
        if (!KNOWN.has(service)) throw new UnknownService(service)
        return SERVING
      },
      Watch({ service }: Request, out: Outgoing) {
        // SERVICE_UNKNOWN is no error of a watch: the service may come.
        out.write(KNOWN.has(service) ? SERVING : { status: 3 })
      },
    },
    dress(error) {
      if (!(error instanceof UnknownService)) return undefined
      return statusError(status.NOT_FOUND, `there is no service ${error.message}`, 'SERVICE_UNKNOWN')
    },
  }
}
