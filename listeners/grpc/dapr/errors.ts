/** Errors with the codes and texts that Dapr's clients know. What Dapr has no words for is dressed as everywhere. */
import { ApiError, type AppAnswer } from '../../../src/apis/index.ts'
import { AppStatus } from '../../../src/services/index.ts'
import { statusError, statusOf } from '../errors.ts'
import type { StatusError } from '../rpc.ts'
import { status } from '../status.ts'

/** A component that a call names and nobody has configured. */
export class UnknownStore extends ApiError {
  readonly what: 'configuration' | 'lock' | 'secret' | 'pubsub' | 'sequencer'
  readonly store: string
  /** Whether there is any of its API. */
  readonly isAnyConfigured: boolean

  constructor(what: UnknownStore['what'], store: string, isAnyConfigured: boolean, cause: ApiError) {
    super('not-found', cause.message, { cause })
    this.what = what
    this.store = store
    this.isAnyConfigured = isAnyConfigured
  }
}

/** Dapr's words for a store that is not there, and its code: by what is looked for and whether there is any. */
const UNKNOWN: Readonly<
  Record<UnknownStore['what'], (store: string, isAny: boolean) => readonly [number, string, string]>
> = {
  configuration: (store, isAny) =>
    isAny
      ? [status.INVALID_ARGUMENT, `configuration store ${store} not found`, 'DAPR_CONFIGURATION_STORE_NOT_FOUND']
      : [status.FAILED_PRECONDITION, 'configuration stores not configured', 'DAPR_CONFIGURATION_STORE_NOT_CONFIGURED'],
  lock: (store, isAny) =>
    isAny
      ? [status.INVALID_ARGUMENT, `lock store ${store} not found`, 'DAPR_LOCK_STORE_NOT_FOUND']
      : [status.FAILED_PRECONDITION, 'lock store is not configured', 'DAPR_LOCK_STORE_NOT_CONFIGURED'],
  secret: (store, isAny) =>
    isAny
      ? [status.INVALID_ARGUMENT, `failed finding secret store with key ${store}`, 'DAPR_SECRET_STORE_NOT_FOUND']
      : [status.FAILED_PRECONDITION, 'secret store is not configured', 'DAPR_SECRET_STORE_NOT_CONFIGURED'],
  pubsub: (store, isAny) =>
    isAny
      ? [status.INVALID_ARGUMENT, `pubsub ${store} is not found`, 'DAPR_PUBSUB_NOT_FOUND']
      : [status.FAILED_PRECONDITION, 'no pubsub is configured', 'DAPR_PUBSUB_NOT_CONFIGURED'],
  // Dapr has none: Layotto's words.
  sequencer: (store, isAny) =>
    isAny
      ? [status.INVALID_ARGUMENT, `Sequencer store ${store} not found`, 'SEQUENCER_STORE_NOT_FOUND']
      : [status.FAILED_PRECONDITION, 'Sequencer store is not configured', 'SEQUENCER_STORE_NOT_CONFIGURED'],
}

/** The status of gRPC for one of HTTP, as Dapr maps them. */
const CODES: Readonly<Record<number, number>> = {
  400: status.INTERNAL,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  408: status.DEADLINE_EXCEEDED,
  409: status.ALREADY_EXISTS,
  429: status.RESOURCE_EXHAUSTED,
  499: status.CANCELLED,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
}
const MAX_DETAILS = 1_000

/** An application's answer that is none of success. */
export class AppRefusal extends Error {
  readonly status: StatusError

  constructor({ status: code, body }: AppAnswer) {
    super(`the application answered with ${code}`)
    const details = `${this.message}: ${body.toString('utf8', 0, MAX_DETAILS)}`
    this.status = statusError(CODES[code] ?? status.UNKNOWN, details, `HTTP_${code}`)
  }
}

export function daprStatusOf(error: unknown): StatusError | undefined {
  if (error instanceof AppRefusal) return error.status
  if (error instanceof AppStatus) return { code: error.code, details: error.message }
  if (!(error instanceof UnknownStore)) return statusOf(error)
  const [code, text, reason] = UNKNOWN[error.what](error.store, error.isAnyConfigured)
  return statusError(code, text, reason, { name: error.store }, 'dapr.io')
}
