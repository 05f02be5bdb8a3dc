/**
 * Secrets from AWS Secrets Manager. Its three operations are called over HTTP with our own signatures: AWS's package for
 * it weighs some megabytes.
 */
import * as z from 'zod/mini'
import { ApiError, type FeatureId, type Secret, type SecretsStore, type StoreFacts } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import { clientTls, described, duration } from '../../config/index.ts'
import { AwsClient, AwsFailure, awsCredentials, CredentialChain } from '../clients/aws/index.ts'
import { HttpClient, serverUrl } from '../clients/http/index.ts'

const options = () =>
  z.strictObject({
    region: z
      .string()
      .check(z.regex(/^[a-z0-9-]+$/, 'must be a region such as eu-central-1'))
      .apply(described('The region of the secrets, such as `eu-central-1`.')),
    endpoint: z
      .optional(serverUrl())
      .apply(described('The URL of the service; the public one of the region unless said.')),
    credentials: awsCredentials(),
    prefix: z._default(z.string(), '').apply(described('What the names of secrets begin with there, such as `app/`.')),
    multiValued: z
      ._default(z.boolean(), false)
      .apply(described('Whether a secret that is a JSON object has several values, one under each key.')),
    tls: z.optional(clientTls()).apply(described('TLS of an https endpoint; without it the usual authorities count.')),
    requestTimeout: duration('5s').apply(described('Limit for one request.')),
  })

type AwsSecretsOptions = z.output<ReturnType<typeof options>>

export const awsSecretsManager: ComponentKind<'secrets'> = {
  api: 'secrets',
  type: 'aws-secrets-manager',
  features: ['secrets.get', 'secrets.bulk', 'secrets.multi-value', 'secrets.version'],
  options,
  async open(config, { logger }) {
    const { region, endpoint, credentials, tls, requestTimeout, ...rest } = config as AwsSecretsOptions
    const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
    const url = endpoint ?? `https://secretsmanager.${region}.${domain}`
    const client = await AwsClient.open({
      http: new HttpClient('AWS Secrets Manager', url, tls, logger),
      credentials: new CredentialChain(credentials),
      region,
      service: 'secretsmanager',
      target: 'secretsmanager',
      timeoutMs: requestTimeout,
    })
    return new AwsSecretsStore(client, rest)
  },
}

interface SecretValue {
  readonly Name: string
  readonly VersionId: string
  readonly SecretString?: string
  readonly SecretBinary?: string
}

const MAX_SECRETS = 10_000
/** AWS's bounds for a page of names and for a batch of values. */
const PAGE = 100
const BATCH = 20
/** Ids of versions are that long at least; what is shorter is a stage, such as AWSPREVIOUS. */
const SHORTEST_ID = 32

class AwsSecretsStore implements SecretsStore {
  readonly #client: AwsClient
  readonly #prefix: string
  readonly #multiValued: boolean

  constructor(client: AwsClient, { prefix, multiValued }: Pick<AwsSecretsOptions, 'prefix' | 'multiValued'>) {
    this.#client = client
    this.#prefix = prefix
    this.#multiValued = multiValued
  }

  async get(name: string, version = ''): Promise<Secret | undefined> {
    // AWS takes no others.
    if (!/^[\w/+=.@:-]{1,500}$/.test(name)) return undefined
    const which =
      version === '' ? {} : version.length < SHORTEST_ID ? { VersionStage: version } : { VersionId: version }
    const input = { SecretId: this.#prefix + name, ...which }
    const value = await this.#client.read('GetSecretValue', input).catch((error: unknown) => {
      // An InvalidRequest is about a secret that is marked for deletion.
      if (error instanceof AwsFailure && /^(ResourceNotFound|InvalidRequest)/.test(error.type)) return undefined
      throw error
    })
    return value === undefined ? undefined : this.#secret(name, value as SecretValue)
  }

  async list(): Promise<readonly Secret[]> {
    const names = await this.#names()
    const secrets: Secret[] = []
    for (let at = 0; at < names.length; at += BATCH) {
      const batch = { SecretIdList: names.slice(at, at + BATCH) }
      const { SecretValues = [], Errors = [] } = (await this.#client.read('BatchGetSecretValue', batch)) as {
        SecretValues?: SecretValue[]
        Errors?: { SecretId?: string; ErrorCode?: string }[]
      }
      // What was deleted a moment ago is not missed.
      const failed = Errors.find(({ ErrorCode = '' }) => !/^(ResourceNotFound|InvalidRequest)/.test(ErrorCode))
      if (failed) throw new ApiError('denied', `AWS does not give ${failed.SecretId}: ${failed.ErrorCode}`)
      for (const value of SecretValues) secrets.push(this.#secret(value.Name.slice(this.#prefix.length), value))
    }
    return secrets
  }

  async check(): Promise<StoreFacts> {
    const lacks: Record<FeatureId, string> = {}
    if (!this.#multiValued) lacks['secrets.multi-value'] = 'the component is not configured with multiValued: true'
    await this.#client.read('ListSecrets', { MaxResults: 1 }).catch((error: unknown) => {
      if (!(error instanceof AwsFailure) || !error.type.startsWith('AccessDenied')) throw error
      lacks['secrets.bulk'] = 'the credentials do not allow ListSecrets'
    })
    return { version: 'AWS Secrets Manager', lacks }
  }

  async close(): Promise<void> {
    this.#client.close()
  }

  async #names(): Promise<string[]> {
    const names: string[] = []
    const filters = this.#prefix === '' ? {} : { Filters: [{ Key: 'name', Values: [this.#prefix] }] }
    for (let page = {}; ; ) {
      const { SecretList = [], NextToken } = (await this.#client.read('ListSecrets', {
        MaxResults: PAGE,
        ...filters,
        ...page,
      })) as { SecretList?: { Name: string }[]; NextToken?: string }
      for (const { Name } of SecretList) if (Name.startsWith(this.#prefix)) names.push(Name)
      if (names.length > MAX_SECRETS)
        throw new ApiError('exhausted', `AWS holds more than ${MAX_SECRETS} secrets there; read them by name`)
      if (!NextToken) return names
      page = { NextToken }
    }
  }

  #secret(name: string, { SecretString, SecretBinary = '', VersionId }: SecretValue): Secret {
    // Binary secrets stay in the base64 that they come in.
    const text = SecretString ?? SecretBinary
    const values = this.#multiValued ? objectIn(text) : undefined
    return { name, values: values ?? { [name]: text }, version: VersionId }
  }
}

/** The members of a JSON object, as texts; undefined for anything else. */
function objectIn(text: string): Record<string, string> | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
    const members = Object.entries(parsed)
    if (members.length === 0) return undefined
    return Object.fromEntries(members.map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)]))
  } catch {
    return undefined
  }
}
