/** Secrets from Vault's key-value engine, version 2. */
import * as z from 'zod/mini'
import { ApiError, type Secret, type SecretsStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { clientTls, described, duration } from '../../config/index.ts'
import { HttpClient, serverUrl } from '../clients/http/index.ts'
import { VaultClient, vaultAuth } from '../clients/vault/index.ts'

const options = () =>
  z.strictObject({
    address: serverUrl().apply(described('Where Vault is, such as `https://vault:8200`.')),
    auth: vaultAuth().apply(described('How Portolan authenticates: `token` or `kubernetes`.')),
    namespace: z.optional(z.string().check(z.minLength(1))).apply(described('The namespace, where Vault has them.')),
    mount: z
      ._default(z.string().check(z.minLength(1)), 'secret')
      .apply(described('Where the key-value engine is mounted.')),
    prefix: z
      ._default(z.string(), '')
      .apply(described('What the names of secrets have in front there, such as `app/`.')),
    tls: z.optional(clientTls()).apply(described('TLS of an https address; without it the usual authorities count.')),
    requestTimeout: duration('5s').apply(described('Limit for one request.')),
  })

export const vaultSecrets: ComponentKind<'secrets'> = {
  api: 'secrets',
  type: 'vault',
  features: ['secrets.get', 'secrets.bulk', 'secrets.multi-value', 'secrets.version'],
  options,
  async open(config, { logger, clock }) {
    const { address, auth, namespace, mount, prefix, tls, requestTimeout } = config as z.output<
      ReturnType<typeof options>
    >
    const http = new HttpClient('Vault', address, tls, logger)
    return new VaultSecretsStore(
      new VaultClient({ http, auth, namespace, timeoutMs: requestTimeout, clock }),
      mount,
      prefix,
    )
  },
}

interface KeyValueAnswer {
  readonly data?: { readonly data?: Record<string, unknown> | null; readonly metadata?: { readonly version?: number } }
}

const MAX_SECRETS = 10_000
const READS_AT_A_TIME = 8

class VaultSecretsStore implements SecretsStore {
  readonly #client: VaultClient
  readonly #mount: string
  readonly #prefix: string

  constructor(client: VaultClient, mount: string, prefix: string) {
    this.#client = client
    this.#mount = encodePath(mount)
    this.#prefix = prefix
  }

  async get(name: string, version?: string): Promise<Secret | undefined> {
    if (!isPath(name) || (version && !/^[1-9]\d{0,14}$/.test(version))) return undefined
    const query = version ? `?version=${version}` : ''
    const path = `/v1/${this.#mount}/data/${encodePath(this.#prefix + name)}${query}`
    const { data } = ((await this.#client.read(path)) ?? {}) as KeyValueAnswer
    const entries = Object.entries(data?.data ?? {})
    if (entries.length === 0) return undefined
    const values = entries.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])
    return { name, values: Object.fromEntries(values), version: String(data?.metadata?.version ?? '') }
  }

  async list(): Promise<readonly Secret[]> {
    const names = await this.#names()
    const secrets: Secret[] = []
    for (let at = 0; at < names.length; at += READS_AT_A_TIME) {
      const read = await Promise.all(names.slice(at, at + READS_AT_A_TIME).map(name => this.get(name)))
      // What was deleted keeps its name until its metadata goes too.
      secrets.push(...read.filter(secret => secret !== undefined))
    }
    return secrets
  }

  async check(timeoutMs: number) {
    const { version, cluster } = await this.#client.check(timeoutMs)
    return { version: `Vault ${version}`, ...(cluster && { facts: { cluster } }) }
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  /** All names below the prefix, whose part after the last slash is the beginning of names. */
  async #names(): Promise<string[]> {
    const names: string[] = []
    const folders = [this.#prefix.slice(0, this.#prefix.lastIndexOf('/') + 1)]
    for (const folder of folders) {
      const path = `/v1/${this.#mount}/metadata/${encodePath(folder)}?list=true`
      const { data } = ((await this.#client.read(path)) ?? {}) as { data?: { keys?: string[] } }
      for (const key of data?.keys ?? []) {
        const full = folder + key
        if (full.endsWith('/') && (full.startsWith(this.#prefix) || this.#prefix.startsWith(full))) folders.push(full)
        else if (full.startsWith(this.#prefix)) names.push(full.slice(this.#prefix.length))
      }
      if (names.length + folders.length > MAX_SECRETS)
        throw new ApiError('exhausted', `Vault holds more than ${MAX_SECRETS} secrets there; read them by name`)
    }
    return names.filter(isPath)
  }
}

/** Vault takes no others, and a name must not lead out of its mount. */
function isPath(name: string): boolean {
  return name !== '' && name.split('/').every(part => part !== '' && part !== '.' && part !== '..')
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
