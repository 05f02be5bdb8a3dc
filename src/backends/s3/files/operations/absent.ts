/** What a bucket of this store does not have and is asked for all the same: answered as by a bucket that never had it. */
import { S3Error, type S3ErrorCode, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { xmlAnswer } from '../answer.ts'
import type { Call } from '../call.ts'
import { OWNER, writeOwner } from '../owner.ts'
import type { FileOperation } from './index.ts'

function without(code: S3ErrorCode): FileOperation {
  return call => {
    throw new S3Error(code, undefined, { BucketName: call.bucket.record.name })
  }
}

function empty(root: string, fill: (document: XmlWriter) => void = () => {}): FileOperation {
  return call => {
    call.bucket
    const document = new XmlWriter(root)
    fill(document)
    return xmlAnswer(document)
  }
}

function ownerOnly(): ReturnType<typeof xmlAnswer> {
  const document = new XmlWriter('AccessControlPolicy')
  writeOwner(document, 'Owner')
  document.open('AccessControlList').open('Grant')
  const type = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
  document.open('Grantee', type).leaf('ID', OWNER.id).leaf('DisplayName', OWNER.name).close()
  return xmlAnswer(document.leaf('Permission', 'FULL_CONTROL'))
}

async function getObjectAcl(call: Call) {
  if (!(await call.bucket.read(call.key))) throw new S3Error('NoSuchKey', undefined, { Key: call.key })
  return ownerOnly()
}

export const ABSENT_OPERATIONS = {
  GetBucketAcl: call => {
    call.bucket
    return ownerOnly()
  },
  GetObjectAcl: getObjectAcl,
  GetBucketVersioning: empty('VersioningConfiguration'),
  GetBucketAccelerateConfiguration: empty('AccelerateConfiguration'),
  GetBucketLogging: empty('BucketLoggingStatus'),
  GetBucketNotificationConfiguration: empty('NotificationConfiguration'),
  GetBucketRequestPayment: empty('RequestPaymentConfiguration', document => document.leaf('Payer', 'BucketOwner')),
  GetBucketOwnershipControls: empty('OwnershipControls', document =>
    document.open('Rule').leaf('ObjectOwnership', 'BucketOwnerEnforced'),
  ),
  GetBucketCors: without('NoSuchCORSConfiguration'),
  GetBucketEncryption: without('ServerSideEncryptionConfigurationNotFoundError'),
  GetBucketLifecycleConfiguration: without('NoSuchLifecycleConfiguration'),
  GetBucketPolicy: without('NoSuchBucketPolicy'),
  GetBucketPolicyStatus: without('NoSuchBucketPolicy'),
  GetBucketReplication: without('ReplicationConfigurationNotFoundError'),
  GetBucketTagging: without('NoSuchTagSet'),
  GetBucketWebsite: without('NoSuchWebsiteConfiguration'),
  GetObjectLockConfiguration: without('ObjectLockConfigurationNotFoundError'),
  GetPublicAccessBlock: without('NoSuchPublicAccessBlockConfiguration'),
} satisfies Record<string, FileOperation>
