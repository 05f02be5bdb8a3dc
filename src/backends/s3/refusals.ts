/** What is refused here, because the service would do something else than was asked for, or more. */
import { S3Error } from '../../../codecs/s3/index.ts'
import type { Profile } from './profiles/profile.ts'
import type { StoreRequest } from './store.ts'
import type { Place } from './translate/bucket-names.ts'

/**
 * About a bucket, and right for one that is kept below a prefix of another: requests about its own keys, and settings that
 * are looked at and count for its keys as well. All else would change, or tell of, what others have there.
 */
const BELOW_A_PREFIX: ReadonlySet<string> = new Set([
  ...['ListObjects', 'ListObjectsV2', 'ListObjectVersions', 'ListMultipartUploads', 'DeleteObjects', 'PostObject'],
  ...['CreateBucket', 'HeadBucket', 'GetBucketLocation', 'OptionsObject'],
  ...['GetBucketVersioning', 'GetBucketEncryption', 'GetBucketAcl', 'GetBucketCors', 'GetBucketOwnershipControls'],
  ...['GetBucketPolicyStatus', 'GetPublicAccessBlock', 'GetObjectLockConfiguration', 'GetBucketRequestPayment'],
  ...['GetBucketAccelerateConfiguration', 'GetBucketAbac'],
])
/** Headers by which CreateBucket would change a bucket that is there already. */
const RIGHTS = /^x-amz-(acl$|grant-|object-ownership$|bucket-object-lock)/

/** Throws S3Error. */
export function checkRefusals({ operation, key, headers }: StoreRequest, place: Place, profile: Profile): void {
  if (operation.name === 'UploadPartCopy' && profile.lacks.includes('upload-part-copy'))
    // It would take the request for the upload of an empty part.
    throw new S3Error('NotImplemented', `${profile.title} does not copy parts.`)
  if (place.prefix === '' || key !== '') return
  const sharesRights =
    operation.name === 'CreateBucket' && headers.some((name, at) => at % 2 === 0 && RIGHTS.test(name))
  if (BELOW_A_PREFIX.has(operation.name) && !sharesRights) return
  throw new S3Error(
    'NotImplemented',
    `The bucket is kept below a prefix of another one, and ${operation.name} would concern the whole of that.`,
  )
}
