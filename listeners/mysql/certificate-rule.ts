/** Client certificates as a part of who a user is: what MySQL calls REQUIRE X509, SUBJECT and the like. */
import type { PeerCertificate } from 'node:tls'
import * as z from 'zod/mini'
import { described } from '../../src/config/index.ts'

const FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i

export const certificateRule = z.strictObject({
  commonName: z.optional(z.string().check(z.minLength(1))).apply(described('Its common name (CN).')),
  subjectAltName: z
    .optional(
      z
        .string()
        .check(z.regex(/^[A-Za-z ]+:./, 'must be like `URI:spiffe://example.org/shop` or `DNS:shop.example.org`')),
    )
    .apply(described('One of its alternative names with its kind, such as `URI:spiffe://example.org/shop`.')),
  fingerprint: z
    .optional(z.string().check(z.regex(FINGERPRINT, 'must be the SHA-256 fingerprint: 32 pairs of hexadecimal digits')))
    .apply(described('Its SHA-256 fingerprint: pairs of hexadecimal digits, with or without colons.')),
})

export type CertificateRule = z.output<typeof certificateRule>

/** Whether the certificate is as the rule says; null stands for none that an authority vouches for. */
export function satisfies(certificate: PeerCertificate | null, rule: CertificateRule): boolean {
  if (!certificate) return false
  const { commonName, subjectAltName, fingerprint } = rule
  // Of several common names Node makes a list: such a certificate is nobody's.
  if (commonName !== undefined && certificate.subject?.CN !== commonName) return false
  if (subjectAltName !== undefined && !namesOf(certificate.subjectaltname).includes(subjectAltName)) return false
  return fingerprint === undefined || plain(certificate.fingerprint256) === plain(fingerprint)
}

/** Names that hold a comma or a quote are in quotes and escaped, so that none can look like two. */
function namesOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(', ')
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').toUpperCase()
