/**
 * Calls of methods that nobody here knows: they go to the application that `dapr-app-id` names, their messages unseen. grpc-js
 * has no public place for that: it looks handlers up in a map of its own, whose answer for an unknown path is given here.
 * Where it has no such map any more, unknown methods stay unimplemented.
 */
import { type handleBidiStreamingCall, Metadata, type Server, type ServerDuplexStream, status } from '@grpc/grpc-js'
import type { AppCall, AppMetadata } from '../../src/apis/index.ts'
import type { InvokeService } from '../../src/services/index.ts'
import { INTERNAL, statusError, statusOf } from './errors.ts'
import type { StatusError } from './rpc.ts'
import type { ServerHost } from './server.ts'

/** All unknown paths count as one: an application may name any number of them. */
const METRIC = '/proxied'
/** What concerns this connection alone. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'dapr-api-token',
  'dapr-app-id',
  'user-agent',
  'content-type',
  'te',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
])
const asIs = (message: Buffer): Buffer => message

/** False when this grpc-js has no place for it. */
export function proxyUnknown(server: Server, invoke: InvokeService, host: ServerHost): boolean {
  const handlers: unknown = Reflect.get(server, 'handlers')
  if (!(handlers instanceof Map)) return false
  const known = Map.prototype.get.bind(handlers)
  handlers.get = (path: string) =>
    known(path) ?? { func: handler(path, invoke, host), serialize: asIs, deserialize: asIs, type: 'bidi', path }
  return true
}

function handler(path: string, invoke: InvokeService, host: ServerHost): handleBidiStreamingCall<Buffer, Buffer> {
  return call => {
    const startedAt = performance.now()
    call.on('error', () => {})
    let over = false
    const finish = (code: number): boolean => {
      if (over) return false
      over = true
      host.answered(METRIC, code, startedAt)
      return true
    }
    const fail = (error: StatusError): void => {
      if (finish(error.code)) call.emit('error', error)
    }
    const refused = host.refusal(call.metadata)
    if (refused !== undefined) return fail(statusError(status.UNAUTHENTICATED, refused, 'UNAUTHENTICATED'))
    const [app] = call.metadata.get('dapr-app-id')
    if (app === undefined) {
      const hint = 'with the metadata dapr-app-id it would go to that application'
      return fail(statusError(status.UNIMPLEMENTED, `there is no method ${path} here; ${hint}`, 'UNKNOWN_METHOD'))
    }
    let under: AppCall
    try {
      under = invoke.grpc(String(app), path, fieldsOf(call.metadata), deadlineOf(call), {
        onMetadata: metadata => call.sendMetadata(metadataOf(metadata)),
        onMessage(message) {
          if (!over && !call.write(message)) under.pause()
        },
        onStatus({ code, details, trailers }) {
          const metadata = metadataOf(trailers)
          if (code !== status.OK) fail({ code, details, metadata })
          else if (finish(code)) call.end(metadata)
        },
      })
    } catch (error) {
      const dressed = statusOf(error)
      if (!dressed) host.bug(path, error)
      return fail(dressed ?? INTERNAL)
    }
    call.on('data', (message: Buffer) => {
      if (!under.write(message)) call.pause()
    })
    call.on('end', () => under.end())
    call.on('drain', () => under.resume())
    under.onDrain(() => call.resume())
    call.on('cancelled', () => {
      finish(status.CANCELLED)
      under.cancel()
    })
  }
}

function deadlineOf(call: ServerDuplexStream<Buffer, Buffer>): number | undefined {
  const deadline = Number(call.getDeadline())
  return Number.isFinite(deadline) ? deadline : undefined
}

function fieldsOf(metadata: Metadata): AppMetadata {
  const names = Object.keys(metadata.getMap()).filter(name => !OWN_FIELDS.has(name))
  return names.flatMap(name => metadata.get(name).map(value => [name, value] as const))
}

function metadataOf(fields: AppMetadata): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of fields) if (!OWN_FIELDS.has(name)) metadata.add(name, value)
  return metadata
}
