/** The schemas of TLS options, towards a backend and on a listener. Paths are relative to the working directory. */
import * as z from 'zod/mini'
import { described } from './described.ts'

const minVersion = z
  ._default(z.enum(['TLSv1.2', 'TLSv1.3']), 'TLSv1.2')
  .apply(described('The lowest TLS version that is accepted.'))

const text = z.string().check(z.minLength(1))
const client = z
  .strictObject({
    ca: z.optional(text).apply(described('File of PEM certificates to trust instead of the usual ones.')),
    cert: z.optional(text).apply(described('File of the PEM certificate shown to the backend.')),
    key: z.optional(text).apply(described('File of the PEM private key that belongs to `cert`.')),
    serverName: z.optional(text).apply(described('Name sent and verified instead of the host of the endpoint.')),
    verify: z
      ._default(z.boolean(), true)
      .apply(described('Whether the certificate must be valid. Without it anybody in between can read everything.')),
    minVersion,
  })
  .check(
    z.refine(tls => tls.cert === undefined || tls.key !== undefined, {
      path: ['cert'],
      error: 'needs `key`, the file of its private key',
    }),
    z.refine(tls => tls.key === undefined || tls.cert !== undefined, {
      path: ['key'],
      error: 'needs `cert`, the file of its certificate',
    }),
  )

/** TLS towards a backend; `{}` is TLS with the system's certificate authorities. */
export function clientTls() {
  return client
}

const server = z
  .strictObject({
    cert: z
      .optional(text)
      .apply(described('File of the PEM certificate, followed by those between it and its authority; needs `key`.')),
    key: z.optional(text).apply(described('File of the PEM private key.')),
    generate: z
      ._default(z.boolean(), false)
      .apply(
        described(
          'Instead of files: a key and a self-signed certificate, made at each start and kept in memory. Nobody can read along, but clients cannot tell this listener from one in between.',
        ),
      ),
    keepIn: z
      .optional(text)
      .check(
        z.describe(
          'With `generate`: folder where key and certificate are kept, so that they stay the same. Clients that trust its `certificate.pem` know this listener.',
        ),
      ),
    clientCa: z.optional(text).apply(described('File of the PEM authorities whose client certificates count.')),
    requireClientCertificate: z
      ._default(z.boolean(), false)
      .apply(described('Whether a connection without a valid client certificate is refused. Needs `clientCa`.')),
    minVersion,
  })
  .check(({ value, issues }) => {
    const complain = (path: string, message: string) =>
      issues.push({ code: 'custom', message, input: value, path: [path] })
    const { generate, keepIn, cert, key, requireClientCertificate, clientCa } = value
    if (keepIn !== undefined && !generate) complain('keepIn', 'needs `generate: true`')
    if (generate && (cert !== undefined || key !== undefined)) complain('generate', 'goes without `cert` and `key`')
    if (!generate && cert === undefined) complain('cert', 'is required, unless `generate: true`')
    if (!generate && key === undefined) complain('key', 'is required, unless `generate: true`')
    if (requireClientCertificate && clientCa === undefined)
      complain('requireClientCertificate', 'needs `clientCa`, the file of the authorities to trust')
  })

/** TLS of a listener, towards the application. */
export function serverTls() {
  return server
}

export type ClientTlsOptions = z.output<ReturnType<typeof clientTls>>
export type ServerTlsOptions = z.output<ReturnType<typeof serverTls>>
