/** Secrets that the configuration itself names: each value is a reference to where it really is. */
import * as z from 'zod/mini'
import { ApiError, type Secret, type SecretsStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { described, readSecret, type SecretRef, secretRef } from '../../config/index.ts'
import { DataUse } from '../clients/memory/index.ts'

const options = () =>
  z.strictObject({
    secrets: z
      ._default(z.record(z.string(), z.union([secretRef(), z.record(z.string(), secretRef())])), {})
      .apply(
        described(
          'Secrets by name: where the value is, or where each of several values is, by key. Read anew for each request.',
        ),
      ),
  })

type References = z.output<ReturnType<typeof options>>['secrets']

export const memorySecrets: ComponentKind<'secrets'> = {
  api: 'secrets',
  type: 'memory',
  features: ['secrets.get', 'secrets.bulk', 'secrets.multi-value'],
  options,
  async open(config, { name }) {
    const { secrets } = config as z.output<ReturnType<typeof options>>
    return new MemorySecretsStore(new DataUse(name, secrets, () => {}))
  },
}

class MemorySecretsStore implements SecretsStore {
  readonly #use: DataUse<References>

  constructor(use: DataUse<References>) {
    this.#use = use
  }

  async get(name: string, version?: string): Promise<Secret | undefined> {
    const secrets = this.#use.data
    return Object.hasOwn(secrets, name) && !version ? read(name, secrets[name]!) : undefined
  }

  async list(): Promise<readonly Secret[]> {
    return Promise.all(Object.entries(this.#use.data).map(([name, references]) => read(name, references)))
  }

  async check() {
    return this.#use.check()
  }

  async close(): Promise<void> {
    this.#use.close()
  }
}

async function read(name: string, references: References[string]): Promise<Secret> {
  try {
    if (isReference(references)) return { name, values: { [name]: await readSecret(references) }, version: '' }
    const values = await Promise.all(
      Object.entries(references).map(async ([key, reference]) => [key, await readSecret(reference)] as const),
    )
    return { name, values: Object.fromEntries(values), version: '' }
  } catch (error) {
    throw new ApiError('unavailable', `secret ${name}: ${(error as Error).message}`, { cause: error })
  }
}

/** A secret whose keys happen to be named so has references under them, not texts. */
function isReference(references: References[string]): references is SecretRef {
  return Object.values(references).some(part => typeof part === 'string' || Array.isArray(part))
}
