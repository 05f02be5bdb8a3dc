/** Calls for applications: of methods of services that speak another protocol, and of applications by their id. */
import {
  ApiError,
  type AppAnswer,
  type AppCall,
  type AppCallObserver,
  type AppMetadata,
  type AppRequest,
  type Invocation,
  type InvocationResult,
  type InvokeStore,
} from '../apis/index.ts'
import type { Directory } from './directory.ts'

/** Of gRPC. */
const INTERNAL = 13

/** An application's answer in gRPC that is none of success. */
export class AppStatus extends Error {
  readonly code: number

  constructor(code: number, details: string) {
    super(details)
    this.code = code
  }
}

export class InvokeService {
  readonly #directory: Directory

  constructor(directory: Directory) {
    this.#directory = directory
  }

  async call(name: string, invocation: Invocation): Promise<InvocationResult> {
    const component = this.#directory.find('invoke', name)
    const { service, method, types, group, version, attachments } = invocation
    if (service === '') throw new ApiError('invalid-argument', 'the service is empty')
    if (method === '') throw new ApiError('invalid-argument', 'the method is empty')
    this.#directory.require(
      component,
      'invoke.generic',
      ...(types ? (['invoke.argument-types'] as const) : []),
      ...(group || version ? (['invoke.versions'] as const) : []),
      ...(Object.keys(attachments).length > 0 ? (['invoke.attachments'] as const) : []),
    )
    return component.store.call!(invocation)
  }

  /** What an application speaks; throws `not-found` when no component knows it. */
  protocolOf(app: string): 'http' | 'grpc' {
    return this.#storeOf(app).protocolOf!(app)!
  }

  async request(app: string, request: AppRequest): Promise<AppAnswer> {
    return this.#storeOf(app).request!(app, request)
  }

  grpc(
    app: string,
    path: string,
    metadata: AppMetadata,
    deadline: number | undefined,
    observer: AppCallObserver,
  ): AppCall {
    return this.#storeOf(app).grpc!(app, path, metadata, deadline, observer)
  }

  /** One message there, one back. Rejects with what the application answered instead. */
  unary(app: string, path: string, message: Buffer, signal: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let answer: Buffer | undefined
      const call = this.grpc(app, path, [], undefined, {
        onMetadata() {},
        onMessage(received) {
          answer = received
        },
        onStatus({ code, details }) {
          signal.removeEventListener('abort', cancel)
          if (code === 0 && answer) resolve(answer)
          else reject(new AppStatus(code === 0 ? INTERNAL : code, details || 'the application has not answered'))
        },
      })
      const cancel = (): void => call.cancel()
      signal.addEventListener('abort', cancel)
      call.write(message)
      call.end()
    })
  }

  #storeOf(app: string): InvokeStore {
    for (const component of this.#directory.all) {
      if (component.api !== 'invoke' || !component.has('invoke.http')) continue
      const store = component.store as InvokeStore
      if (store.protocolOf?.(app)) return store
    }
    throw new ApiError('not-found', `no invoke component knows the application ${JSON.stringify(app)}`)
  }
}
