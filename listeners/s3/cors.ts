/** What web pages of other origins may do, by configuration (Fetch standard, 3.2; the answers are those of S3). */
import type { CorsOptions } from './options.ts'
import { Patterns } from './patterns.ts'

interface Rule {
  readonly origins: Patterns
  readonly anyOrigin: boolean
  readonly buckets: Patterns
  readonly methods: readonly string[]
  readonly headers: Patterns
  readonly expose: string
  readonly maxAgeSeconds: number
}

export class Cors {
  readonly #rules: readonly Rule[]

  constructor(options: readonly CorsOptions[]) {
    this.#rules = options.map(({ origins, buckets, methods, headers, expose, maxAge }) => ({
      origins: new Patterns(origins),
      anyOrigin: origins.includes('*'),
      buckets: new Patterns(buckets),
      methods,
      headers: new Patterns(headers.map(name => name.toLowerCase())),
      expose: expose.join(', '),
      maxAgeSeconds: Math.round(maxAge / 1000),
    }))
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** Headers of an answer to a page of that origin; undefined when no rule fits. */
  headers(bucket: string, origin: string, method: string): readonly string[] | undefined {
    const rule = this.#rules.find(
      ({ buckets, origins, methods }) => buckets.match(bucket) && origins.match(origin) && methods.includes(method),
    )
    return (
      rule && [...allow(rule, origin), ...(rule.expose === '' ? [] : ['access-control-expose-headers', rule.expose])]
    )
  }

  /** Headers of the answer to a preflight request; undefined when no rule allows what the page wants. */
  preflight(bucket: string, origin: string, method: string, wanted: readonly string[]): readonly string[] | undefined {
    const rule = this.#rules.find(
      ({ buckets, origins, methods, headers }) =>
        buckets.match(bucket) &&
        origins.match(origin) &&
        methods.includes(method) &&
        wanted.every(name => headers.match(name.toLowerCase())),
    )
    if (!rule) return undefined
    const allowed = ['access-control-allow-methods', rule.methods.join(', ')]
    if (wanted.length > 0) allowed.push('access-control-allow-headers', wanted.join(', '))
    allowed.push('access-control-max-age', String(rule.maxAgeSeconds))
    return [...allow(rule, origin), ...allowed]
  }
}

/** Signatures do not need cookies, but pages that ask with credentials must be told that they may. */
function allow({ anyOrigin }: Rule, origin: string): string[] {
  if (anyOrigin) return ['access-control-allow-origin', '*']
  return ['access-control-allow-origin', origin, 'access-control-allow-credentials', 'true', 'vary', 'Origin']
}
