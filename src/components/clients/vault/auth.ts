/** How Portolan authenticates to Vault. */
import { readFile } from 'node:fs/promises'
import * as z from 'zod/mini'
import { ApiError } from '../../../apis/index.ts'
import { described, readSecret, secretRef } from '../../../config/index.ts'

const text = z.string().check(z.minLength(1))

export function vaultAuth() {
  return z.union([
    z.strictObject({ token: secretRef().check(z.describe('A token; read again when it is refused.')) }),
    z.strictObject({
      kubernetes: z
        .strictObject({
          role: text.check(z.describe('The role in Vault.')),
          mount: z._default(text, 'kubernetes').check(z.describe('Where the auth method is mounted.')),
          tokenFile: z
            ._default(text, '/var/run/secrets/kubernetes.io/serviceaccount/token')
            .check(z.describe('The token of the service account; read for each login.')),
        })
        .apply(described('Log in as the service account of the pod.')),
    }),
  ])
}

export type VaultAuth = z.output<ReturnType<typeof vaultAuth>>

/** What is sent to get a token; undefined where the token itself is configured. */
export async function loginOf(auth: VaultAuth): Promise<{ path: string; body: object } | undefined> {
  if ('token' in auth) return undefined
  const { role, mount, tokenFile } = auth.kubernetes
  const jwt = await readFile(tokenFile, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new ApiError('unavailable', `${tokenFile} cannot be read (${cause.code})`, { cause })
  })
  return { path: `/v1/auth/${mount}/login`, body: { jwt: jwt.trim(), role } }
}

export async function configuredToken(auth: VaultAuth): Promise<string> {
  if (!('token' in auth)) throw new Error('a login gives the token')
  return readSecret(auth.token).catch((cause: Error) => {
    throw new ApiError('unavailable', `the token for Vault: ${cause.message}`, { cause })
  })
}
