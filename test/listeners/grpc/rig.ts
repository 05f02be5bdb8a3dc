/** A running grpc listener with the components given, and ways to call it. */
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
} from '@grpc/grpc-js'
import { grpc } from '../../../listeners/grpc/index.ts'
import { methodShape } from '../../../listeners/grpc/schema.ts'
import { type App, createApp } from '../../../src/app.ts'
import type { ComponentKind } from '../../../src/component.ts'
import type { Address, AppConfig, ComponentConfig } from '../../../src/config/index.ts'
import type { Logger } from '../../../src/observability/logger.ts'
import type { Metrics } from '../../../src/observability/metrics.ts'

export interface RigOptions {
  readonly kinds: readonly ComponentKind[]
  /** By name: `api/type`, or with options. */
  readonly components: Readonly<Record<string, Pick<ComponentConfig, 'api' | 'type'> & { readonly options?: object }>>
  readonly listener?: object
  readonly address?: Address
  readonly requires?: AppConfig['requires']
  readonly logger?: Logger
  readonly metrics?: Metrics
}

/** A message as it was decoded. */
export type Answer = Readonly<Record<string, unknown>>

export class GrpcRig {
  readonly app: App
  readonly client: Client
  readonly #options: RigOptions

  static async start(options: RigOptions): Promise<GrpcRig> {
    const { kinds, logger, metrics } = options
    const registry = { protocols: [grpc], backendKinds: [], componentKinds: kinds }
    const app = createApp(configOf(options), { ...registry, ...(logger && { logger }), ...(metrics && { metrics }) })
    await app.start()
    return new GrpcRig(app, options)
  }

  private constructor(app: App, options: RigOptions) {
    this.app = app
    this.#options = options
    this.client = new Client(this.address, credentials.createInsecure())
  }

  get address(): string {
    return this.app.generation.listeners.get('api')!.listener.address
  }

  get port(): string {
    return this.address.slice(this.address.lastIndexOf(':') + 1)
  }

  /** Other components in the place of those before. */
  reload(components: RigOptions['components'], more: Partial<RigOptions> = {}) {
    return this.app.reload(configOf({ ...this.#options, components, ...more }))
  }

  /** A unary call; rejects with grpc-js's ServiceError. */
  call(
    service: string,
    method: string,
    request: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const { path, request: requests, response } = methodShape(service, method)
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requests.encode,
        response.decode,
        request,
        metadataOf(headers),
        LIMIT(),
        (error, value) => (error ? reject(error) : resolve(value as Answer)),
      )
    })
  }

  stream(service: string, method: string, request: object): ClientReadableStream<Answer> {
    const { path, request: requests, response } = methodShape(service, method)
    const decode = response.decode as (bytes: Buffer) => Answer
    const call = this.client.makeServerStreamRequest(path, requests.encode, decode, request)
    return call.on('error', () => {})
  }

  both(
    service: string,
    method: string,
    headers: Readonly<Record<string, string>> = {},
  ): ClientDuplexStream<object, Answer> {
    const { path, request: requests, response } = methodShape(service, method)
    const decode = response.decode as (bytes: Buffer) => Answer
    const call = this.client.makeBidiStreamRequest(path, requests.encode, decode, metadataOf(headers))
    return call.on('error', () => {})
  }

  async close(): Promise<void> {
    this.client.close()
    await this.app.close()
  }
}

const ANYWHERE = { host: '127.0.0.1', port: 0 }

/** No test waits longer for an answer. */
const LIMIT = (): CallOptions => ({ deadline: Date.now() + 10_000 })

/** What a stream says, one by one; rejects with its error, or when it has ended. */
export function reader(stream: ClientReadableStream<Answer>): () => Promise<Answer> {
  const iterator = stream[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await iterator.next()
    if (done) throw new Error('the stream has ended')
    return value
  }
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}

function configOf({ kinds, components, listener = {}, requires = [], address = ANYWHERE }: RigOptions): AppConfig {
  return {
    admin: { address: undefined, token: undefined, allowedHosts: [] },
    log: { level: 'info', format: 'json' },
    shutdown: { graceMs: 1_000 },
    listeners: [
      {
        name: 'api',
        protocol: 'grpc',
        address,
        options: grpc.options.parse(listener),
      },
    ],
    backends: [],
    requires,
    components: Object.entries(components).map(([name, { api, type, options = {} }]) => ({
      name,
      api,
      type,
      options: kinds
        .find(kind => kind.api === api && kind.type === type)!
        .options()
        .parse(options),
    })),
  }
}
