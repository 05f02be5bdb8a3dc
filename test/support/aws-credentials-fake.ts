/**
 * The places that give out AWS's temporary credentials, each in its own words: the endpoint of containers (ECS, EKS), the
 * metadata of an instance (IMDS v2), STS and SSO. There is no real one to test against.
 */
import { type BREAK, type FakeAnswer, type FakeRequest, HttpFake } from './http-fake.ts'

export const AUTHORIZATION = 'token of the container'

export class AwsCredentialsFake extends HttpFake {
  /** Of the last signed request to STS. */
  region: string | undefined
  /** Paths that credentials were given out by. */
  readonly given: string[] = []
  /** What is to come instead of credentials. */
  failure: FakeAnswer | typeof BREAK | undefined
  readonly lifeMs = 60 * 60_000
  /** What requests have to show. */
  containerToken = AUTHORIZATION
  webToken = 'token of the web'

  constructor() {
    super(request => this.#answer(request))
  }

  #answer(request: FakeRequest): FakeAnswer | typeof BREAK {
    const { path, method, headers } = request
    if (path === '/latest/api/token') return method === 'PUT' ? { body: 'token of the instance' } : { status: 405 }
    if (path.startsWith('/latest/') && headers['x-aws-ec2-metadata-token'] !== 'token of the instance')
      return { status: 401 }
    if (path === '/latest/meta-data/iam/security-credentials/') return { body: 'role' }
    return this.failure ?? this.#credentials(request)
  }

  #credentials({ path, headers, query, body }: FakeRequest): FakeAnswer {
    this.given.push(path)
    const number = this.given.length
    const key = `id-${number}`
    const secret = `hush-${number}`
    const token = `token-${number}`
    const end = new Date(Date.now() + this.lifeMs)
    const common = { AccessKeyId: key, SecretAccessKey: secret, Token: token, Expiration: rfc3339(end) }
    if (path === '/latest/meta-data/iam/security-credentials/role') return { body: { Code: 'Success', ...common } }
    if (path === '/container') {
      if (headers.authorization !== this.containerToken) return { status: 403 }
      return { body: common }
    }
    if (path === '/federation/credentials') {
      if (headers['x-amz-sso_bearer_token'] !== 'token of the login') return { status: 401 }
      if (query.get('role_name') !== 'reader' || query.get('account_id') !== '1') return { status: 403 }
      const roleCredentials = {
        accessKeyId: key,
        secretAccessKey: secret,
        sessionToken: token,
        expiration: Number(end),
      }
      return { headers: { 'content-type': 'application/json' }, body: { roleCredentials } }
    }
    const asked = new URLSearchParams(body)
    const action = asked.get('Action')
    this.region = headers.authorization?.split('/')[2]
    const isKnown =
      action === 'AssumeRole'
        ? headers.authorization?.includes('Credential=base-id/')
        : asked.get('WebIdentityToken') === this.webToken
    if (asked.get('RoleArn') !== ROLE || !isKnown) return stsError('AccessDenied')
    const elements = Object.entries({ ...common, SessionToken: token }).map(
      ([name, text]) => `<${name}>${text}</${name}>`,
    )
    const result = `<${action}Result><Credentials>${elements.join('')}</Credentials></${action}Result>`
    return sts(
      200,
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</${action}Response>`,
    )
  }
}

export const ROLE = 'arn:aws:iam::1:role/reader'

export function stsError(code: string): FakeAnswer {
  return sts(
    403,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>No.</Message></Error></ErrorResponse>`,
  )
}

function sts(status: number, body: string): FakeAnswer {
  return { status, headers: { 'content-type': 'text/xml' }, body }
}

/** Without fractions of a second. */
function rfc3339(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
