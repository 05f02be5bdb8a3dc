/** What requests to AWS are signed with: a key of the configuration, or what AWS's own places give out for a while. */
import * as z from 'zod/mini'
import { ApiError } from '../../../apis/index.ts'
import { described, readSecret, secretRef } from '../../../config/index.ts'

export function awsCredentials() {
  return z
    .optional(
      z.strictObject({
        accessKeyId: z.string().check(z.minLength(1), z.describe('The id of the key.')),
        secretAccessKey: secretRef().check(z.describe('Its secret.')),
        sessionToken: z.optional(secretRef()).check(z.describe('The token that belongs to a temporary key.')),
      }),
    )
    .apply(
      described(
        'A key to sign with; without it credentials are looked for as the AWS SDKs do: environment, shared files, container, instance.',
      ),
    )
}

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly expiration?: Date | undefined
}

/** Asked anew so long before they end. */
const AHEAD_MS = 60_000

export class CredentialChain {
  readonly #configured: z.output<ReturnType<typeof awsCredentials>>
  #provide: (() => Promise<Credentials>) | undefined
  #current: Credentials | undefined

  constructor(configured: z.output<ReturnType<typeof awsCredentials>>) {
    this.#configured = configured
  }

  /** Rejects with an ApiError `unavailable`. */
  async read(): Promise<Credentials> {
    const end = this.#current?.expiration?.getTime()
    if (this.#current && (end === undefined || end - AHEAD_MS > Date.now())) return this.#current
    return (this.#current = await this.#read().catch(cause => {
      throw new ApiError('unavailable', `there are no credentials for AWS: ${(cause as Error).message}`, { cause })
    }))
  }

  /** They were refused: the next reading is anew. */
  expire(): void {
    this.#current = undefined
    this.#provide = undefined
  }

  async #read(): Promise<Credentials> {
    if (this.#configured) {
      const { accessKeyId, secretAccessKey, sessionToken } = this.#configured
      const token = sessionToken && (await readSecret(sessionToken))
      return { accessKeyId, secretAccessKey: await readSecret(secretAccessKey), sessionToken: token }
    }
    if (!this.#provide) {
      // What it warns of, Node's versions of later releases, is for who updates it to read.
      process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
      const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
      this.#provide = fromNodeProviderChain()
    }
    return this.#provide()
  }
}
