/** What is known of a call beside its messages, made when somebody asks: most calls are answered at once. */
import type { AppMetadata } from '../../src/apis/index.ts'
import type { RequestHead } from './http2/index.ts'
import { metadataOf } from './metadata.ts'
import type { Call } from './rpc.ts'

const TIMEOUT = /^(\d{1,8})([HMSmun])$/
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }
/** What a timer can wait for. */
const MAX_TIMEOUT_MS = 0x7fff_ffff

export class CallFacts implements Call {
  readonly #head: RequestHead
  #metadata: AppMetadata | undefined
  #controller: AbortController | undefined
  #aborted = false

  constructor(head: RequestHead) {
    this.#head = head
  }

  get metadata(): AppMetadata {
    this.#metadata ??= metadataOf(this.#head.fields)
    return this.#metadata
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort()
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    return this.#aborted
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }
}

/** How long a caller waits; undefined: as long as it takes. */
export function timeoutOf({ fields }: RequestHead): number | undefined {
  const text = fieldOf(fields, 'grpc-timeout')
  const [, digits, unit] = (text !== undefined && TIMEOUT.exec(text)) || []
  return digits === undefined ? undefined : Math.min(Number(digits) * UNIT_MS[unit!]!, MAX_TIMEOUT_MS)
}

export function fieldOf(fields: RequestHead['fields'], name: string): string | undefined {
  for (const [each, value] of fields) if (each === name) return value
  return undefined
}
