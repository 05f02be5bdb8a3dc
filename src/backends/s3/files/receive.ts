/** Takes the body of an object or part into a draft, comparing it with what the request has said of it. */
import { type ChecksumAlgorithm, S3Error } from '../../../../codecs/s3/index.ts'
import type { Bucket } from './bucket.ts'
import type { Call } from './call.ts'
import { bodyChecksum, Digests } from './checksums.ts'
import type { StoredChecksum } from './record.ts'
import type { Draft } from './sealed-file.ts'

/** What one request may bring. */
const MAX_BODY_BYTES = 5 * 1024 ** 3

export interface Received {
  readonly size: number
  readonly etag: string
  readonly checksum: StoredChecksum | undefined
}

/** `wanted` is computed without a checksum of the request's own. The draft is discarded when `use` has not published it. */
export async function receive<T>(
  call: Call,
  bucket: Bucket,
  wanted: ChecksumAlgorithm | undefined,
  use: (draft: Draft, received: Received) => Promise<T>,
): Promise<T> {
  const { body } = call.request
  if (body.length !== undefined && body.length > MAX_BODY_BYTES) throw tooLarge(body.length)
  const announced = bodyChecksum(call.request)
  const digests = new Digests(call.request, announced ?? (wanted && { algorithm: wanted, value: undefined }))
  const draft = await bucket.draft()
  try {
    let size = 0
    const intake = call.wantBody()
    for (let taken = await intake.take(); taken; taken = await intake.take()) {
      for (const bytes of taken) {
        size += bytes.length
        digests.update(bytes)
      }
      if (size > MAX_BODY_BYTES) throw tooLarge(size)
      await draft.write(taken)
    }
    if (body.length !== undefined && size !== body.length) throw new S3Error('IncompleteBody')
    const received = { size, ...digests.finish(intake.trailer) }
    return await use(draft, received)
  } finally {
    await draft.discard()
  }
}

function tooLarge(size: number): S3Error {
  return new S3Error('EntityTooLarge', undefined, {
    ProposedSize: String(size),
    MaxSizeAllowed: String(MAX_BODY_BYTES),
  })
}
