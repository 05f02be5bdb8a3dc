/** What an error of ZooKeeper means for a call. */
import { ERROR, errorText } from '../../../../codecs/zookeeper/index.ts'
import { ApiError, type ApiErrorCode } from '../../../apis/index.ts'

/** ZooKeeper has answered with an error; `code` is one of ERROR, or another. */
export class ZooKeeperError extends ApiError {
  readonly zookeeperCode: number

  constructor(code: number, what: string) {
    super(CODES[code] ?? 'internal', `ZooKeeper: ${errorText(code)} (${what})`)
    this.zookeeperCode = code
  }
}

const CODES: Readonly<Record<number, ApiErrorCode>> = {
  [ERROR.badArguments]: 'invalid-argument',
  [ERROR.noNode]: 'not-found',
  [ERROR.noAuth]: 'denied',
  [ERROR.badVersion]: 'conflict',
  [ERROR.nodeExists]: 'conflict',
  [ERROR.notEmpty]: 'conflict',
  // Said before anything is done.
  [ERROR.sessionExpired]: 'unavailable',
  [ERROR.sessionMoved]: 'unavailable',
  [ERROR.invalidAcl]: 'denied',
  [ERROR.authFailed]: 'denied',
}

/** Whether it is an answer of ZooKeeper with one of these codes. */
export function isCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof ZooKeeperError && codes.includes(error.zookeeperCode)
}

/** Undefined instead of an error with one of these codes. */
export function unless<T>(call: Promise<T>, ...codes: readonly number[]): Promise<T | undefined> {
  return call.catch(error => {
    if (isCode(error, ...codes)) return undefined
    throw error
  })
}
