/** What the policy of a form (POST Object) allows: whoever signed it lets others upload, but only what it describes. */
import { S3Error } from './errors.ts'

export interface PostPolicyFacts {
  /** Bytes of the file that the policy allows; none and any when it says nothing. */
  readonly minBytes: number
  readonly maxBytes: number
}

const MAX_POLICY_BYTES = 64 * 1024
/** Fields that no condition needs to speak of. */
// Those of version 2 are refused by who looks at the signature, and not for being left out of the policy.
const FREE = /^(policy|x-amz-signature|awsaccesskeyid|signature|file|bucket|x-ignore-.*)$/

/**
 * Checks the fields before the file (name in lower case, value ...) and the bucket against the policy, in base64.
 * Throws AccessDenied where it does not allow them, InvalidPolicyDocument where it is none.
 */
export function checkPostPolicy(
  policy: string,
  bucket: string,
  fields: readonly string[],
  now: number,
): PostPolicyFacts {
  const document = parsePolicy(policy)
  const expiration = Date.parse(document.expiration)
  if (Number.isNaN(expiration)) throw invalid('The expiration is no date.')
  if (expiration <= now) throw denied('Policy expired.')
  const values = valuesOf(bucket, fields)
  const covered = new Set<string>()
  let minBytes = 0
  let maxBytes = Number.POSITIVE_INFINITY
  for (const condition of document.conditions) {
    for (const [operator, name, operand] of readCondition(condition)) {
      if (operator === 'content-length-range') {
        minBytes = Math.max(minBytes, Number(name))
        maxBytes = Math.min(maxBytes, Number(operand))
        continue
      }
      const field = String(name).replace(/^\$/, '').toLowerCase()
      const value = values.get(field) ?? ''
      const isMet = operator === 'eq' ? value === operand : value.startsWith(String(operand))
      if (!isMet) throw denied(`Policy Condition failed: ["${operator}", "$${field}", "${operand}"]`)
      covered.add(field)
    }
  }
  for (const name of values.keys()) {
    if (!covered.has(name) && !FREE.test(name)) throw denied(`Extra input fields: ${name}`)
  }
  return { minBytes, maxBytes }
}

type Condition = readonly ['eq' | 'starts-with' | 'content-length-range', string | number, string | number]

/** An object is an equality for each of its members. */
function readCondition(condition: unknown): Condition[] {
  if (Array.isArray(condition) && condition.length === 3) {
    const [operator, name, operand] = condition as unknown[]
    const lower = typeof operator === 'string' ? operator.toLowerCase() : ''
    if (lower === 'content-length-range' && isLength(name) && isLength(operand)) return [[lower, name, operand]]
    const isText = typeof name === 'string' && name.startsWith('$') && typeof operand === 'string'
    if (isText && (lower === 'eq' || lower === 'starts-with')) return [[lower, name, operand]]
  } else if (typeof condition === 'object' && condition !== null && !Array.isArray(condition)) {
    const members = Object.entries(condition)
    if (members.length > 0 && members.every(([, value]) => typeof value === 'string')) {
      return members.map(([name, value]) => ['eq', name, value as string])
    }
  }
  throw invalid('A condition is of no known form.')
}

function isLength(value: unknown): value is string | number {
  return (typeof value === 'number' || typeof value === 'string') && /^\d{1,15}$/.test(String(value))
}

/** The same field twice would be checked once and taken another time. */
function valuesOf(bucket: string, fields: readonly string[]): Map<string, string> {
  const values = new Map<string, string>()
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    if (values.has(name)) throw new S3Error('InvalidArgument', `The form has the field ${name} twice.`)
    values.set(name, fields[at + 1]!)
  }
  if ((values.get('bucket') ?? bucket) !== bucket) throw denied('The bucket is another one.')
  return values.set('bucket', bucket)
}

function parsePolicy(policy: string): { expiration: string; conditions: readonly unknown[] } {
  if (policy.length > MAX_POLICY_BYTES) throw invalid('It is too long.')
  let document: { expiration?: unknown; conditions?: unknown } | null
  try {
    document = JSON.parse(Buffer.from(policy, 'base64').toString())
  } catch {
    throw invalid('It is no JSON.')
  }
  const expiration = document?.expiration
  const conditions = document?.conditions
  if (typeof expiration === 'string' && Array.isArray(conditions)) return { expiration, conditions }
  throw invalid('It must have an expiration and conditions.')
}

function invalid(why: string): S3Error {
  return new S3Error('InvalidPolicyDocument', `Invalid Policy: ${why}`)
}

function denied(why: string): S3Error {
  return new S3Error('AccessDenied', `Invalid according to Policy: ${why}`)
}
