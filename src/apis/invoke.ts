/** The API of calls: methods of services that speak another protocol, and applications by their id. */
import type { Features, Store } from './api.ts'

export const invokeFeatures = {
  'invoke.generic': 'A method of a service is called with arguments and result as JSON, its interface unknown here.',
  'invoke.argument-types': 'The types of the arguments can be given, which tells overloaded methods apart.',
  'invoke.attachments': 'Texts by name travel beside the arguments, and beside the result.',
  'invoke.versions': 'Services of one name are told apart by group and version.',
  'invoke.balancing': 'Calls are spread over the providers of a service, and pass by one that cannot be reached.',
  'invoke.discovery': 'Who provides a service is learnt from a registry, and followed as it changes.',
  'invoke.http': 'Any path of an application is requested over HTTP, by the application’s id.',
  'invoke.grpc': 'Any gRPC method of an application is called by its id, streams included; messages are not looked at.',
} as const satisfies Features

/** A call of a method. */
export interface Invocation {
  readonly service: string
  readonly method: string
  /** As of JSON. */
  readonly args: readonly unknown[]
  /** In the other protocol's own words, one for each argument; undefined: the provider is to know. */
  readonly types?: readonly string[]
  /** Empty: none. */
  readonly group: string
  readonly version: string
  /** Undefined: as the component is configured. */
  readonly timeoutMs?: number
  readonly attachments: Readonly<Record<string, string>>
}

export interface InvocationResult {
  /** As of JSON. */
  readonly value: unknown
  readonly attachments: Readonly<Record<string, string>>
}

/** A request to an application. */
export interface AppRequest {
  readonly verb: string
  /** With its query, as it is to be sent, from the slash on. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface AppAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Header fields of gRPC; those whose name ends with `-bin` are bytes. */
export type AppMetadata = readonly (readonly [name: string, value: string | Buffer])[]

/** What comes from an application in a gRPC call. */
export interface AppCallObserver {
  onMetadata(metadata: AppMetadata): void
  onMessage(message: Buffer): void
  /** The end: a status of gRPC. Nothing follows. */
  onStatus(status: { readonly code: number; readonly details: string; readonly trailers: AppMetadata }): void
}

/** A gRPC call under way. */
export interface AppCall {
  /** False: wait for `onDrain`. */
  write(message: Buffer): boolean
  onDrain(callback: () => void): void
  /** There are no more messages. */
  end(): void
  cancel(): void
  /** Of what comes. */
  pause(): void
  resume(): void
}

export interface InvokeStore extends Store {
  /** Rejects with `unavailable` only if the call has certainly not been carried out. */
  call?(invocation: Invocation): Promise<InvocationResult>
  /** How an application is reached; undefined when it is not known. */
  protocolOf?(app: string): 'http' | 'grpc' | undefined
  /** Any answer of an application, whatever its status. */
  request?(app: string, request: AppRequest): Promise<AppAnswer>
  /** Calls a gRPC method by its path; the deadline is a time as of Date.now(). */
  grpc?(
    app: string,
    path: string,
    metadata: AppMetadata,
    deadline: number | undefined,
    observer: AppCallObserver,
  ): AppCall
}
