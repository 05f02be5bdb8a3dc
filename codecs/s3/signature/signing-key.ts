/** Signing keys of signature version 4: a secret, narrowed to a day, a region and a service. */
import { HmacKey } from './hmac.ts'

/** Where a signing key is good for. */
export interface Scope {
  /** Of eight digits. */
  readonly day: string
  readonly region: string
  readonly service: string
  /** All three and `aws4_request`, as it is signed. */
  readonly text: string
}

/** Most often the next one is the same: then its text, by which keys are found, is the very same string too. */
let last: Scope | undefined

export function scopeOf(day: string, region: string, service = 's3'): Scope {
  if (last && last.day === day && last.region === region && last.service === service) return last
  return (last = { day, region, service, text: `${day}/${region}/${service}/aws4_request` })
}

/** Today, yesterday and tomorrow in some regions; a sender of many regions costs time, no memory. */
const MAX_KEYS = 32

/** A secret access key and the signing keys made of it. It shows neither. */
export class SigningSecret {
  readonly #root: HmacKey
  readonly #keys = new Map<string, HmacKey>()
  #lastScope = ''
  #lastKey: HmacKey | undefined

  constructor(secretAccessKey: string) {
    this.#root = new HmacKey(Buffer.from(`AWS4${secretAccessKey}`))
  }

  key(scope: Scope): HmacKey {
    if (this.#lastKey !== undefined && this.#lastScope === scope.text) return this.#lastKey
    let key = this.#keys.get(scope.text)
    if (key === undefined) {
      const day = new HmacKey(this.#root.bytes(scope.day))
      const region = new HmacKey(day.bytes(scope.region))
      key = new HmacKey(new HmacKey(region.bytes(scope.service)).bytes('aws4_request'))
      if (this.#keys.size >= MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!)
      this.#keys.set(scope.text, key)
    }
    this.#lastScope = scope.text
    return (this.#lastKey = key)
  }
}
