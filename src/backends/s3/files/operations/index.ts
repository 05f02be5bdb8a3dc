/** The operations of the file store by their names of the API. */
import { S3Error } from '../../../../../codecs/s3/index.ts'
import type { Answer } from '../answer.ts'
import type { Call } from '../call.ts'
import { refuseLacking } from '../stored-headers.ts'
import { ABSENT_OPERATIONS } from './absent.ts'
import { ATTRIBUTES_OPERATIONS } from './attributes.ts'
import { BUCKET_OPERATIONS } from './buckets.ts'
import { COPY_OPERATIONS } from './copy.ts'
import { LIST_OPERATIONS } from './list.ts'
import { MULTIPART_OPERATIONS } from './multipart.ts'
import { OBJECT_OPERATIONS } from './objects.ts'
import { TAGGING_OPERATIONS } from './tagging.ts'

export type FileOperation = (call: Call) => Promise<Answer> | Answer

const OPERATIONS: ReadonlyMap<string, FileOperation> = new Map(
  Object.entries<FileOperation>({
    ...ABSENT_OPERATIONS,
    ...ATTRIBUTES_OPERATIONS,
    ...BUCKET_OPERATIONS,
    ...COPY_OPERATIONS,
    ...LIST_OPERATIONS,
    ...MULTIPART_OPERATIONS,
    ...OBJECT_OPERATIONS,
    ...TAGGING_OPERATIONS,
  }),
)

/** What is asked of the store beyond the operation itself is refused before it begins. */
export function operationOf(name: string): FileOperation {
  const operation = OPERATIONS.get(name)
  return call => {
    refuseLacking(call.request.headers)
    if (operation) return operation(call)
    throw new S3Error('NotImplemented', `The embedded store does not have the operation ${name}.`)
  }
}
