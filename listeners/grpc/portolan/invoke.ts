/** `portolan.v1.Invoke`. */
import { ApiError } from '../../../src/apis/index.ts'
import type { Method } from '../rpc.ts'
import { type Integer, toNumber } from '../schema.ts'
import type { ServiceContext } from '../services.ts'

interface Request {
  readonly component: string
  readonly service: string
  readonly method: string
  readonly arguments_json: Buffer
  readonly argument_types: readonly string[]
  readonly group: string
  readonly version: string
  readonly timeout_ms: Integer
  readonly attachments: Readonly<Record<string, string>>
}

export function invokeMethods({ services }: ServiceContext): Readonly<Record<string, Method>> {
  return {
    async Call(request: Request) {
      const { component, service, method, argument_types, group, version, attachments } = request
      const timeoutMs = toNumber(request.timeout_ms)
      if (timeoutMs < 0) throw new ApiError('invalid-argument', 'timeout_ms is negative')
      const { value, attachments: answered } = await services.invoke.call(component, {
        service,
        method,
        args: argumentsOf(request.arguments_json),
        ...(argument_types.length > 0 && { types: argument_types }),
        group,
        version,
        ...(timeoutMs > 0 && { timeoutMs }),
        attachments,
      })
      return { result_json: Buffer.from(JSON.stringify(value)), attachments: answered }
    },
  }
}

/** Nothing is no arguments. */
function argumentsOf(json: Buffer): readonly unknown[] {
  if (json.length === 0) return []
  try {
    const parsed: unknown = JSON.parse(json.toString())
    if (Array.isArray(parsed)) return parsed
  } catch {}
  throw new ApiError('invalid-argument', 'arguments_json must be a JSON array, with an element for each argument')
}
