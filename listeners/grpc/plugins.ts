/** Plug-ins as services: what their modules do, in the forms that the server calls. */
import type { Message, OpenPlugin, PluginCall, PluginMethod } from '../../src/plugins/index.ts'
import type { Call, Method, Outgoing, Service } from './rpc.ts'
import type { MethodShape } from './schema.ts'

export function pluginService({ summary, schema, methods }: OpenPlugin): Service {
  const served: Record<string, Method> = {}
  const shapes: Record<string, MethodShape> = {}
  for (const [name, { request, response, responseStream }] of Object.entries(schema.methods)) {
    served[name] = (responseStream ? streaming : unary)(methods[name]!, response.encode)
    shapes[name] = {
      path: `/${summary.service}/${name}`,
      requestStream: false,
      responseStream,
      request,
      // It comes encoded, so that a message that cannot be fails in the plug-in's method, which gave it.
      response: { encode: bytes => bytes as Buffer, decode: response.decode },
    }
  }
  return { name: summary.service, methods: served, shapes }
}

type Encode = (message: object) => Buffer

function unary(method: PluginMethod, encode: Encode): Method {
  return async (request: Message, call: Call) => encode((await method(request, factsOf(call))) as Message)
}

function streaming(method: PluginMethod, encode: Encode): Method {
  return async (request: Message, out: Outgoing, call: Call) => {
    for await (const message of method(request, factsOf(call)) as AsyncIterable<Message>) {
      if (out.signal.aborted) return
      out.write(encode(message))
    }
    out.end()
  }
}

/** Of a call a plug-in sees no metadata: tokens of others stand there. */
function factsOf(call: Call): PluginCall {
  return {
    get signal() {
      return call.signal
    },
  }
}
