/** What an MQTT broker cannot do, and why it refuses: reason codes of version 5, and the five of CONNACK in 3.1.1. */
import { ApiError, type ApiErrorCode } from '../../apis/index.ts'

const OLD = 'the broker speaks MQTT 3.1.1 only'

/** What takes version 5. */
export const LACKS = {
  'pubsub.headers': `${OLD}, which has no headers`,
  'pubsub.group': `${OLD}, which does not tell that a session was taken over`,
} as const

export function lacking(feature: keyof typeof LACKS): ApiError {
  return new ApiError('feature-missing', LACKS[feature], { feature })
}

export const SESSION_TAKEN_OVER = 0x8e
/** Of CONNACK: 1 in version 3.1.1, which also answers those who speak 5. */
export const UNSUPPORTED_VERSION: ReadonlySet<number> = new Set([0x01, 0x84])

const REASONS: Readonly<Record<number, readonly [code: ApiErrorCode, reason: string]>> = {
  2: ['invalid-argument', 'it does not take this client id'],
  3: ['unavailable', 'it cannot serve just now'],
  4: ['denied', 'wrong user name or password'],
  5: ['denied', 'not authorized'],
  134: ['denied', 'wrong user name or password'],
  135: ['denied', 'not authorized'],
  136: ['unavailable', 'it cannot serve just now'],
  137: ['unavailable', 'it is busy'],
  138: ['denied', 'this client is banned'],
  139: ['unavailable', 'it is being shut down'],
  143: ['invalid-argument', 'it does not take this topic filter'],
  144: ['invalid-argument', 'it does not take this topic'],
  149: ['invalid-argument', 'the packet is too large'],
  151: ['exhausted', 'a quota is used up'],
}

export function failureOf(reasonCode: number, text: string | undefined, what: string): ApiError {
  const [code, reason] = REASONS[reasonCode] ?? ['internal', `reason code ${reasonCode}`]
  return new ApiError(code, `the MQTT broker refuses ${what}: ${text ?? reason}`)
}

export function errorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError('unavailable', `the MQTT broker cannot be reached: ${(error as Error).message}`, { cause: error })
}
