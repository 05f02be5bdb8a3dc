/** `portolan.v1.Secrets`. */
import type { Method, Outgoing } from '../rpc.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly component: string
  readonly name: string
  readonly version: string
}

interface WatchRequest {
  readonly component: string
  readonly names: readonly string[]
}

export function secretMethods({ services: { secrets } }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    Get: ({ component, name, version }: Request) => secrets.get(component, name, version),

    async List({ component }: Pick<Request, 'component'>) {
      return { secrets: await secrets.list(component) }
    },

    Watch({ component, names }: WatchRequest, out: Outgoing) {
      const end = secrets.watch(component, names, changed => out.write({ names: changed }))
      out.signal.addEventListener('abort', end, { once: true })
    },
  }
}
