/** What a browser asks before a page's request (Fetch standard, 3.2.2). */
import { headerOf, type RequestHead } from '../../codecs/http1/index.ts'
import { S3Error } from '../../codecs/s3/index.ts'
import type { Cors } from './cors.ts'

/** Headers of the answer. Throws S3Error for what no rule allows. */
export function preflight({ headers }: RequestHead, bucket: string, cors: Cors): readonly string[] {
  const origin = headerOf(headers, 'origin')
  const method = headerOf(headers, 'access-control-request-method')
  if (origin === undefined || method === undefined)
    throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.')
  const wanted = (headerOf(headers, 'access-control-request-headers') ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  const allowed = cors.preflight(bucket, origin, method, wanted)
  if (!allowed) throw new S3Error('AccessDenied', 'CORSResponse: this CORS request is not allowed.')
  return allowed
}
