/** Presigned requests that are sent to the service itself, which can serve them as well without anybody between. */
import type { Store, StoreRequest } from '../../src/backends/s3/index.ts'
import type { Identity } from './door.ts'

const REDIRECTED: ReadonlySet<string> = new Set(['GetObject', 'HeadObject', 'PutObject', 'UploadPart'])

/** Asks only to be told more, and the AWS SDK for JavaScript puts it into the query of every URL for reading. */
const DISPENSABLE = 'x-amz-checksum-mode'

/** `lifted`: the headers that were in the query. Where the application is to go; undefined when the request has to pass through here. */
export function redirectUrl(
  { policy, presignedSeconds }: Identity,
  request: StoreRequest,
  lifted: readonly string[],
  store: Store,
): string | undefined {
  // What has to be judged by its body or put into other words passes through here, as does what has a limit.
  if (!REDIRECTED.has(request.operation.name) || Number.isFinite(policy.maxObjectBytes)) return undefined
  // Headers that the URL has in its query would have to be sent as such.
  if (lifted.some((name, at) => at % 2 === 0 && name !== DISPENSABLE)) return undefined
  return store.presign?.(request, presignedSeconds!)
}
