/** What AWS documents of Secrets Manager, as far as the component uses it. Signatures are checked by AWS's own signer. */
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { type FakeAnswer, type FakeRequest, HttpFake } from './http-fake.ts'

interface Version {
  readonly id: string
  readonly value: { readonly SecretString: string } | { readonly SecretBinary: string }
}

const refused = (type: string, status = 400): FakeAnswer => ({
  status,
  body: { __type: `com.amazonaws.secretsmanager#${type}`, message: 'words' },
})

class Sha256 {
  readonly #hash

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === 'string' ? secret : secret && Buffer.from(secret as Uint8Array)
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key)
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}

export class SecretsManagerFake {
  readonly http = new HttpFake(request => this.#answer(request))
  readonly secrets = new Map<string, Version[]>()
  readonly region = 'eu-central-1'
  readonly calls: string[] = []
  key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'right', sessionToken: undefined as string | undefined }
  /** Operations that the key may not call. */
  readonly denied = new Set<string>()
  /** What the next calls are refused with. */
  readonly refusals: string[] = []

  put(name: string, value: Version['value']): void {
    this.secrets.set(name, [...(this.secrets.get(name) ?? []), { id: randomUUID(), value }])
  }

  async #answer(request: FakeRequest): Promise<FakeAnswer> {
    const operation = String(request.headers['x-amz-target']).replace(/^secretsmanager\./, '')
    this.calls.push(operation)
    if (request.headers['x-amz-security-token'] !== this.key.sessionToken) return refused('ExpiredTokenException')
    if (!(await this.#isSigned(request))) return refused('InvalidSignatureException')
    const refusal = this.refusals.shift()
    if (refusal) return refused(refusal)
    if (this.denied.has(operation)) return refused('AccessDeniedException')
    const input = JSON.parse(request.body)
    if (operation === 'GetSecretValue') return this.#get(input)
    if (operation === 'BatchGetSecretValue') return this.#batch(input.SecretIdList)
    if (operation === 'ListSecrets') return this.#list(input)
    return refused('UnknownOperationException')
  }

  async #isSigned({ method, path, headers, body }: FakeRequest): Promise<boolean> {
    const authorization = String(headers.authorization)
    const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? []
    const date = String(headers['x-amz-date']).replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')
    const { accessKeyId, secretAccessKey, sessionToken } = this.key
    const signer = new SignatureV4({
      service: 'secretsmanager',
      region: this.region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
      sha256: Sha256,
      applyChecksum: false,
    })
    const signedHeaders = Object.fromEntries(names.map(name => [name, String(headers[name])]))
    delete signedHeaders['x-amz-date']
    delete signedHeaders['x-amz-security-token']
    const [hostname = '', port] = String(headers.host).split(':')
    const signed = await signer.sign(
      { method, protocol: 'http:', hostname, port: Number(port), path, query: {}, headers: signedHeaders, body },
      { signingDate: new Date(date) },
    )
    return signed.headers['authorization'] === authorization.replaceAll(/,(?! )/g, ', ')
  }

  #get({ SecretId, VersionId, VersionStage }: Record<string, string>): FakeAnswer {
    const versions = this.secrets.get(SecretId!) ?? []
    const staged = { AWSCURRENT: versions.at(-1), AWSPREVIOUS: versions.at(-2) }[VersionStage ?? 'AWSCURRENT']
    const found = VersionId ? versions.find(({ id }) => id === VersionId) : staged
    return found
      ? { body: { Name: SecretId, VersionId: found.id, ...found.value } }
      : refused('ResourceNotFoundException')
  }

  #batch(names: readonly string[]): FakeAnswer {
    if (names.length > 20) return refused('InvalidParameterException')
    const read = names.map(SecretId => ({ SecretId, answer: this.#get({ SecretId }) }))
    const failed = read.filter(({ answer }) => answer.status)
    return {
      body: {
        SecretValues: read.filter(({ answer }) => !answer.status).map(({ answer }) => answer.body),
        Errors: failed.map(({ SecretId }) => ({ SecretId, ErrorCode: 'ResourceNotFoundException' })),
      },
    }
  }

  #list({
    MaxResults = 100,
    NextToken = '0',
    Filters = [],
  }: {
    MaxResults?: number
    NextToken?: string
    Filters?: { Key: string; Values: string[] }[]
  }): FakeAnswer {
    const prefixes = Filters.find(({ Key }) => Key === 'name')?.Values ?? ['']
    const names = [...this.secrets.keys()].filter(name => prefixes.some(prefix => name.startsWith(prefix)))
    const end = Number(NextToken) + MaxResults
    const more = end < names.length && { NextToken: String(end) }
    return { body: { SecretList: names.slice(Number(NextToken), end).map(Name => ({ Name })), ...more } }
  }
}
