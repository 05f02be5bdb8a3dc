/** Who sent a form to a bucket (POST Object): its policy, as base64, is what is signed. */
import { S3Error } from '../errors.ts'
import { valueIn } from '../pairs.ts'
import { parseFormClaim } from './authorization.ts'
import { isSameSignature } from './hmac.ts'
import { NOBODY, type Verification } from './verify.ts'

/** What is known of who sent a form. What the policy allows, checkPostPolicy says. */
export interface VerifiedForm {
  readonly accessKey: string
  readonly region: string
  readonly sessionToken: string | undefined
  /** Base64, as it was signed. */
  readonly policy: string
}

/**
 * Undefined for an anonymous form: one without policy and signature. Takes the fields before the file: name in lower
 * case, value .... Throws S3Error for all but true claims.
 */
export function authenticateForm(fields: readonly string[], by: Verification): VerifiedForm | undefined {
  const claim = parseFormClaim(fields)
  if (claim === undefined) return undefined
  const secret = by.secretOf(claim.accessKey)
  const policy = valueIn(fields, 'policy')!
  const isRight = isSameSignature((secret ?? NOBODY).key(claim.scope).hex(policy), claim.signature)
  if (secret === undefined) throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: claim.accessKey })
  if (!isRight) {
    throw new S3Error('SignatureDoesNotMatch', undefined, {
      AWSAccessKeyId: claim.accessKey,
      StringToSign: policy,
      SignatureProvided: claim.signature,
    })
  }
  const sessionToken = valueIn(fields, 'x-amz-security-token')
  return { accessKey: claim.accessKey, region: claim.scope.region, sessionToken, policy }
}
