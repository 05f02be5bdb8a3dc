/** Applications by their id, each at an address of the configuration: over HTTP, or any method of gRPC. */
import type { Client, Metadata } from '@grpc/grpc-js'
import * as z from 'zod/mini'
import {
  ApiError,
  type AppAnswer,
  type AppCall,
  type AppCallObserver,
  type AppMetadata,
  type AppRequest,
  type InvokeStore,
} from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { type Address, address, described, duration, size } from '../../config/index.ts'
import { connected, formatAddress } from '../../net/index.ts'
import { HttpApp } from './http-app.ts'

const options = () =>
  z.strictObject({
    apps: z
      .record(
        z.string(),
        z.strictObject({
          address: address().check(z.describe('Where the application is.')),
          protocol: z.enum(['http', 'grpc']).check(z.describe('What it speaks: `http` or `grpc`, both without TLS.')),
        }),
      )
      .apply(described('The applications by their id.')),
    timeout: duration('60s').apply(described('Limit for a request over HTTP; a gRPC call has its caller’s deadline.')),
    maxAnswer: size('16MiB').apply(described('The longest answer over HTTP, and the longest message of gRPC.')),
  })

type Options = z.output<ReturnType<typeof options>>
type Grpc = typeof import('@grpc/grpc-js')

export const appsInvoke: ComponentKind<'invoke'> = {
  api: 'invoke',
  type: 'apps',
  features: ['invoke.http', 'invoke.grpc'],
  options,
  async open(raw) {
    return new AppsStore(await import('@grpc/grpc-js'), raw as Options)
  },
}

class AppsStore implements InvokeStore {
  readonly #grpc: Grpc
  readonly #apps: Options['apps']
  readonly #https = new Map<string, HttpApp>()
  readonly #clients = new Map<string, Client>()

  constructor(grpc: Grpc, { apps, timeout, maxAnswer }: Options) {
    this.#grpc = grpc
    this.#apps = apps
    const limits = { 'grpc.max_receive_message_length': maxAnswer, 'grpc.max_send_message_length': -1 }
    for (const [id, { address: where, protocol }] of Object.entries(apps)) {
      if (protocol === 'http') this.#https.set(id, new HttpApp(where, { timeoutMs: timeout, maxBytes: maxAnswer }))
      else this.#clients.set(id, new grpc.Client(targetOf(where), grpc.credentials.createInsecure(), limits))
    }
  }

  protocolOf(app: string) {
    return Object.hasOwn(this.#apps, app) ? this.#apps[app]!.protocol : undefined
  }

  async request(app: string, request: AppRequest): Promise<AppAnswer> {
    const found = this.#https.get(app)
    if (!found) throw new ApiError('not-found', `the application ${app} does not speak HTTP here`)
    return found.request(request)
  }

  grpc(
    app: string,
    path: string,
    metadata: AppMetadata,
    deadline: number | undefined,
    observer: AppCallObserver,
  ): AppCall {
    const client = this.#clients.get(app)
    if (!client) throw new ApiError('not-found', `the application ${app} does not speak gRPC here`)
    const given = new this.#grpc.Metadata()
    for (const [name, value] of metadata) given.add(name, value)
    const limits = deadline === undefined ? {} : { deadline }
    const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, asIs, asIs, given, limits)
    call.on('metadata', received => observer.onMetadata(pairsOf(received)))
    call.on('data', (message: Buffer) => observer.onMessage(message))
    // What it says is in the status too.
    call.on('error', () => {})
    call.on('status', ({ code, details, metadata: trailers }) => {
      const tell = () => observer.onStatus({ code, details, trailers: pairsOf(trailers) })
      // It is told while messages still wait for one who does not read.
      if (call.readableEnded) tell()
      else call.once('end', tell)
    })
    return {
      write: message => call.write(message),
      onDrain: callback => call.on('drain', callback),
      end: () => call.end(),
      cancel: () => call.cancel(),
      pause: () => call.pause(),
      resume: () => call.resume(),
    }
  }

  /** Applications come and go as they like: that one is away is nothing wrong here. */
  async check(timeoutMs: number) {
    const states = Object.entries(this.#apps).map(async ([id, { address: where, protocol }]) => {
      try {
        const socket = await connected({ address: where, tls: undefined, connectTimeoutMs: timeoutMs })
        socket.destroy()
        return [id, `${protocol} at ${formatAddress(where)}`] as const
      } catch {
        return [id, `${protocol} at ${formatAddress(where)}, not there`] as const
      }
    })
    return { facts: Object.fromEntries(await Promise.all(states)) }
  }

  async close(): Promise<void> {
    for (const app of this.#https.values()) app.close()
    for (const client of this.#clients.values()) client.close()
  }
}

const asIs = (message: Buffer): Buffer => message

function targetOf(where: Address): string {
  return 'path' in where ? `unix:${where.path}` : `dns:${formatAddress(where)}`
}

function pairsOf(metadata: Metadata): AppMetadata {
  return Object.keys(metadata.getMap()).flatMap(name => metadata.get(name).map(value => [name, value] as const))
}
