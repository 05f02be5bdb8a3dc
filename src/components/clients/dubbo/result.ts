/** What Hessian 2 says to JSON. Longs beyond 53 bits are texts, dates are of ISO 8601, bytes are base64. */
import { ApiError } from '../../../apis/index.ts'

const MAX_DEPTH = 200
/** A short body can refer to the same list again and again. */
const MAX_VALUES = 1_000_000

/** `keepsClasses`: whether objects keep the field `class` that generic calls add. */
export function toJson(value: unknown, keepsClasses: boolean): unknown {
  return new Conversion(keepsClasses).convert(value)
}

class Conversion {
  readonly #keepsClasses: boolean
  /** What the value stands in. */
  readonly #within: object[] = []
  #count = 0

  constructor(keepsClasses: boolean) {
    this.#keepsClasses = keepsClasses
  }

  convert(value: unknown): unknown {
    if (++this.#count > MAX_VALUES) throw cannot(`has more than ${MAX_VALUES} values`)
    if (value === undefined || value === null) return null
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
    if (typeof value !== 'object') return value
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
    if (this.#within.includes(value)) throw cannot('contains itself')
    if (this.#within.length >= MAX_DEPTH) throw cannot(`is nested deeper than ${MAX_DEPTH}`)
    this.#within.push(value)
    const converted = Array.isArray(value) ? value.map(each => this.convert(each)) : this.#fields(value)
    this.#within.pop()
    return converted
  }

  #fields(value: object): object {
    const all = Object.entries(value)
    const kept = this.#keepsClasses ? all : all.filter(([name, each]) => name !== 'class' || typeof each !== 'string')
    return Object.fromEntries(kept.map(([name, each]) => [name, this.convert(each)]))
  }
}

function cannot(reason: string): ApiError {
  return new ApiError('internal', `the result ${reason}, which is not handed on as JSON`)
}
