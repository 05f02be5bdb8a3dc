/** Requests of the S3 suite, signed with the keys that the application has. They stay good for 15 minutes. */

import { createHash } from 'node:crypto'
import {
  type ChunkSeed,
  EMPTY_SHA256,
  presign,
  type Signer,
  SigningSecret,
  signRequest,
  UNSIGNED_PAYLOAD,
} from '../../codecs/s3/index.ts'

/** The application's own; what the backend is signed with is another. */
export const LOCAL = { accessKey: 'local', secret: 'local-secret' } as const
export const STORE = { accessKey: 'store', secret: 'store-secret' } as const

const SIGNER: Signer = {
  accessKey: LOCAL.accessKey,
  secret: new SigningSecret(LOCAL.secret),
  sessionToken: undefined,
  region: 'us-east-1',
}

export interface Signed {
  /** Name, value ..., without host. */
  readonly headers: readonly string[]
  readonly seed: ChunkSeed
}

export function sign(
  port: number,
  method: string,
  path: string,
  contentSha256: string,
  own: readonly string[] = [],
): Signed {
  const headers = ['user-agent', 'bench', ...own]
  const seed = signRequest(
    { method, host: `127.0.0.1:${port}`, path, query: '', headers, contentSha256 },
    SIGNER,
    Date.now(),
  )
  return { headers, seed }
}

/** The path with a query that lets whoever has it send the request. */
export function presigned(port: number, method: string, path: string): string {
  const request = { method, host: `127.0.0.1:${port}`, path, query: [], headers: [], expires: 900 }
  return `${path}?${presign(request, SIGNER, Date.now())}`
}

/** What is declared of a body of so many `x`. */
export function declared(bytes: number, isHashed: boolean): string {
  if (bytes === 0) return EMPTY_SHA256
  return isHashed ? createHash('sha256').update(Buffer.alloc(bytes, 'x')).digest('hex') : UNSIGNED_PAYLOAD
}
