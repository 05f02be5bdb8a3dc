/** Dapr's InvokeService: a request to an application over HTTP, or its `OnInvoke` over gRPC. */
import type { AppMetadata } from '../../../src/apis/index.ts'
import { forwarded } from '../forwarded.ts'
import type { Call, Method } from '../rpc.ts'
import { messageCodec } from '../schema.ts'
import type { ServiceContext } from '../services.ts'
import { AppRefusal } from './errors.ts'

const ON_INVOKE = '/dapr.proto.runtime.v1.AppCallback/OnInvoke'
const INVOKE_REQUEST = 'dapr.proto.common.v1.InvokeRequest'
const INVOKE_RESPONSE = 'dapr.proto.common.v1.InvokeResponse'
/** By the numbers of HTTPExtension.Verb; the first is none. */
export const VERBS = ['', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

/** Bytes cannot stand in a field of HTTP. */
const OWN_FIELD = /^(?:grpc-.*|:.*|content-type|user-agent|.*-bin)$/

interface Request {
  readonly id: string
  readonly message: {
    readonly method: string
    readonly data: { readonly value: Buffer } | null
    readonly content_type: string
    readonly http_extension: { readonly verb: number; readonly querystring: string } | null
  } | null
}

export function invokeMethods({ services: { invoke } }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async InvokeService({ id, message }: Request, { metadata, signal }: Call) {
      const { method = '', data = null, content_type = '', http_extension = null } = message ?? {}
      if (invoke.protocolOf(id) === 'grpc') {
        const answer = await invoke.unary(id, ON_INVOKE, messageCodec(INVOKE_REQUEST).encode(message ?? {}), signal)
        return messageCodec(INVOKE_RESPONSE).decode(answer)
      }
      const query = http_extension?.querystring ? `?${http_extension.querystring}` : ''
      const answer = await invoke.request(id, {
        verb: VERBS[http_extension?.verb ?? 0] || 'POST',
        path: `/${method.replace(/^\//, '')}${query}`,
        headers: { ...fieldsOf(metadata), ...(content_type && { 'content-type': content_type }) },
        body: Buffer.from(data?.value ?? []),
      })
      if (answer.status < 200 || answer.status > 299) throw new AppRefusal(answer)
      return { data: { value: answer.body }, content_type: answer.headers['content-type'] ?? '' }
    },
  }
}

/** What a caller sends along, such as `traceparent`: the application gets it, without what is gRPC's own. */
function fieldsOf(metadata: AppMetadata): Readonly<Record<string, string>> {
  const fields = metadata.filter(([name, value]) => typeof value === 'string' && !OWN_FIELD.test(name))
  return forwarded(Object.fromEntries(fields) as Readonly<Record<string, string>>)
}
