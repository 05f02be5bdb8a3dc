/** gRPC's health checking protocol: whoever gets an answer at all gets SERVING. */
import { statusError } from './errors.ts'
import type { Outgoing, Service } from './rpc.ts'
import { status } from './status.ts'

const SERVING = { status: 1 }
interface Request {
  readonly service: string
}

class UnknownService extends Error {}

/** `services`: the names of those that are there; the empty one stands for all of them. */
export function healthService(services: readonly string[]): Service {
  const known = new Set(['', ...services])
  return {
    name: 'grpc.health.v1.Health',
    methods: {
      Check({ service }: Request) {
        if (!known.has(service)) throw new UnknownService(service)
        return SERVING
      },
      Watch({ service }: Request, out: Outgoing) {
        // SERVICE_UNknown is no error of a watch: the service may come.
        out.write(known.has(service) ? SERVING : { status: 3 })
      },
    },
    dress(error) {
      if (!(error instanceof UnknownService)) return undefined
      return statusError(status.NOT_FOUND, `there is no service ${error.message}`, 'SERVICE_UNknown')
    },
  }
}
