/** The document of a request, as the service is to get it. */
import type { Profile } from './profiles/profile.ts'
import type { StoreRequest } from './store.ts'
import type { Place } from './translate/bucket-names.ts'
import { bucketConfiguration, prefixDeletes, withoutChecksums } from './translate/documents.ts'

/** The same bytes when nothing has to change. Throws ProtocolError for a document that is none. */
export function documentFor({ operation, body }: StoreRequest, place: Place, profile: Profile, region: string): Buffer {
  const bytes = body.bytes!
  switch (operation.name) {
    case 'CreateBucket':
      return bucketConfiguration(bytes, region, profile.demandsLocation)
    case 'DeleteObjects':
      return place.prefix === '' ? bytes : prefixDeletes(bytes, place.prefix)
    case 'CompleteMultipartUpload':
      return profile.checksumElements ? bytes : withoutChecksums(bytes)
    default:
      return bytes
  }
}
