/** What is signed: the canonical request and the string to sign. All texts are latin1, one character for each byte. */
import { sha256Hex } from './hmac.ts'

export const ALGORITHM = 'AWS4-HMAC-SHA256'

/** The values of a header, its lines joined, in the form that is signed; empty for a header that is not there. */
export function canonicalValue(headers: readonly string[], name: string): string {
  let value: string | undefined
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] !== name) continue
    const text = oneSpace(headers[at + 1]!)
    value = value === undefined ? text : `${value},${text}`
  }
  return value ?? ''
}

const SPACES = /^[ \t]|[ \t]$|[ \t]{2}|\t/

function oneSpace(value: string): string {
  // Most have none, which is found faster without the expression.
  if (!value.includes(' ') && !value.includes('\t')) return value
  return SPACES.test(value) ? value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '') : value
}

/** The lines between query and payload are those of `names`, in their order: `headerLines` ends each with a newline. */
export function canonicalRequest(
  method: string,
  path: string,
  query: string,
  headerLines: string,
  signedHeaders: string,
  payload: string,
): string {
  return `${method}\n${path}\n${query}\n${headerLines}\n${signedHeaders}\n${payload}`
}

export function stringToSign(amzDate: string, scope: string, canonical: string): string {
  return `${ALGORITHM}\n${amzDate}\n${scope}\n${sha256Hex(canonical)}`
}
