/**
 * What a plug-in consists of, for those who write one. It is a folder: a .proto, a manifest (plugin.yaml), an ESM module that
 * implements the service in at least two interchangeable ways, and a conformance file that shows that they are.
 */
import type { ApiError, ApiErrorCode } from '../apis/index.ts'
import type { SecretRef } from '../config/index.ts'
import type { Logger } from '../observability/logger.ts'

/** A message as plug-ins see it: fields as the .proto names them, enumerations by name, 64-bit numbers as text, bytes as Buffer. */
export type Message = Readonly<Record<string, unknown>>

/** What the module exports. It is loaded as Node's `require` loads ESM: without `await` at its top level. */
export interface PluginModule {
  /** Called once; rejects with a sentence for the user when it can never work with these options. */
  open(implementation: string, options: Message, context: PluginContext): PluginService | Promise<PluginService>
}

export interface PluginService {
  /** By the names of the .proto. What one throws fails that call only. */
  readonly methods: Readonly<Record<string, PluginMethod>>
  /** Lets go of everything. */
  close?(): void | Promise<void>
}

/** A unary method answers with a message, or a promise of one; a server-streaming one with an async iterable. */
export type PluginMethod = (request: Message, call: PluginCall) => Message | Promise<Message> | AsyncIterable<Message>

export interface PluginCall {
  /** Aborted when the caller has gone, or its deadline is over. */
  readonly signal: AbortSignal
}

export interface PluginContext {
  readonly logger: Logger
  /** The values of what `secrets` names in the configuration. */
  readonly secrets: Readonly<Record<string, string>>
  /** An error that the caller is to see, to be thrown; of any other it is told only that there was one. */
  error(code: ApiErrorCode, message: string): ApiError
}

/** What the conformance file exports. */
export interface ConformanceModule {
  /** By name, each run with every implementation. */
  readonly cases: Readonly<Record<string, (client: PluginClient) => void | Promise<void>>>
  /** Called before the cases of each: starts what it calls, or a fake of that, and tells how to open it. */
  prepare?(implementation: string): Prepared | Promise<Prepared>
}

export interface Prepared {
  readonly options?: Message
  readonly secrets?: Readonly<Record<string, string>>
  close?(): void | Promise<void>
}

/** The service as an application sees it; messages pass through their encoding. Errors have the `code` that was thrown. */
export type PluginClient = Readonly<Record<string, (request: Message) => Promise<Message> & AsyncIterable<Message>>>

/** A plug-in in the configuration of a listener. */
export interface PluginOptions {
  readonly folder: string
  readonly implementation: string
  readonly options: Message
  readonly secrets: Readonly<Record<string, SecretRef>>
  readonly unproved: boolean
}

/** Something is wrong with a plug-in; the message is for the user. */
export class PluginError extends Error {
  override readonly name = 'PluginError'
}
