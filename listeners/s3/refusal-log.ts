/** Why requests are refused whose signature or time is wrong: a line for each, so many a second. */
import {
  explainMismatch,
  parseAmzDate,
  type S3Error,
  type SignedRequest,
  type SigningSecret,
} from '../../codecs/s3/index.ts'
import { LineBudget } from '../../src/observability/line-budget.ts'
import type { Logger } from '../../src/observability/logger.ts'

/** Looking for the difference costs some fifty signatures. */
const MAX_LINES = 10

export interface Refused {
  readonly requestId: string
  readonly remoteIp: string
  readonly request: SignedRequest
  readonly error: S3Error
  /** Of the access key, where there is one. */
  readonly secret: SigningSecret | undefined
  /** What the application may have called us. */
  readonly hosts: readonly string[]
}

export class RefusalLog {
  readonly #listener: string
  readonly #logger: Logger
  readonly #lines = new LineBudget(MAX_LINES)

  constructor(listener: string, logger: Logger) {
    this.#listener = listener
    this.#logger = logger
  }

  add(refused: Refused): void {
    if (!this.#lines.take()) return
    const { requestId, remoteIp, error } = refused
    const reason = reasonOf(refused)
    const accessKey = error.fields['AWSAccessKeyId']
    this.#logger.info(
      { listener: this.#listener, requestId, remoteIp, code: error.code, ...(accessKey && { accessKey }), reason },
      'request refused',
    )
  }

  /** To be called once a second. */
  sweep(): void {
    const count = this.#lines.renew()
    if (count > 0) this.#logger.info({ listener: this.#listener, count }, 'further requests refused')
  }
}

function reasonOf({ error, request, secret, hosts }: Refused): string {
  if (error.code === 'RequestTimeTooSkewed') {
    const { RequestTime = '', ServerTime = '' } = error.fields
    const seconds = Math.round((parseAmzDate(RequestTime) - parseAmzDate(ServerTime)) / 1000)
    return `the clock of the application is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead'}, or the request was held back`
  }
  const found = secret && explainMismatch(request, secret, hosts)
  return found ?? 'most likely it was signed with another secret: no change that is usual on the way explains it'
}
