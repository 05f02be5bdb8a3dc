/** Secrets from the environment of this process. */
import * as z from 'zod/mini'
import { ApiError, type Secret, type SecretsStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described } from '../../config/index.ts'

const options = () =>
  z.strictObject({
    prefix: z
      .string()
      .apply(
        described(
          "Variables that begin so are secrets, under the rest of their name. With `''` all are, those of Dapr and Portolan themselves excepted.",
        ),
      ),
  })

export const envSecrets: ComponentKind<'secrets'> = {
  api: 'secrets',
  type: 'env',
  features: ['secrets.get', 'secrets.bulk'],
  options,
  async open(config, { name }) {
    const { prefix } = config as z.output<ReturnType<typeof options>>
    return new EnvSecretsStore(name, prefix)
  },
}

/** Tokens of the sidecar itself, which Dapr keeps from applications too. */
const OURS = /^(DAPR_|PORTOLAN_|APP_API_TOKEN$)/

class EnvSecretsStore implements SecretsStore {
  readonly #name: string
  readonly #prefix: string
  #closed = false

  constructor(name: string, prefix: string) {
    this.#name = name
    this.#prefix = prefix
  }

  async get(name: string, version?: string): Promise<Secret | undefined> {
    this.#checkOpen()
    return version ? undefined : this.#secret(this.#prefix + name)
  }

  async list(): Promise<readonly Secret[]> {
    this.#checkOpen()
    return Object.keys(process.env).flatMap(variable => this.#secret(variable) ?? [])
  }

  async check() {
    this.#checkOpen()
    return {}
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #secret(variable: string): Secret | undefined {
    const value = Object.hasOwn(process.env, variable) ? process.env[variable] : undefined
    const name = variable.slice(this.#prefix.length)
    if (value === undefined || name === '' || !variable.startsWith(this.#prefix) || OURS.test(variable))
      return undefined
    return { name, values: { [name]: value }, version: '' }
  }

  #checkOpen(): void {
    if (this.#closed) throw new ApiError('unavailable', `component ${this.#name} is closed`)
  }
}
