/** Operations on buckets. */
import { isBucketName, parseXml, S3Error, XmlWriter } from '../../../../../codecs/s3/index.ts'
import { emptyAnswer, xmlAnswer, xmlTime } from '../answer.ts'
import type { Call } from '../call.ts'
import { writeOwner } from '../owner.ts'
import type { FileOperation } from './index.ts'

const MAX_DOCUMENT_BYTES = 64 * 1024
/** Where AWS has buckets whose LocationConstraint is empty. */
const FIRST_REGION = 'us-east-1'
const MAX_LISTED = 10_000

function listBuckets(call: Call) {
  const prefix = call.query('prefix') ?? ''
  const max = call.count('max-buckets', MAX_LISTED, MAX_LISTED)
  const after = Buffer.from(call.query('continuation-token') ?? '', 'base64url').toString()
  const names = [...call.volume.buckets.keys()].filter(name => name.startsWith(prefix) && name > after).sort()
  const document = new XmlWriter('ListAllMyBucketsResult')
  writeOwner(document, 'Owner')
  document.open('Buckets')
  for (const name of names.slice(0, max)) {
    const { created, location } = call.volume.bucket(name).record
    document.open('Bucket').leaf('Name', name).leaf('CreationDate', xmlTime(created))
    document.leaf('BucketRegion', location || call.request.region).close()
  }
  document.close()
  const isTruncated = max > 0 && names.length > max
  if (isTruncated) document.leaf('ContinuationToken', Buffer.from(names[max - 1]!).toString('base64url'))
  if (prefix !== '') document.leaf('Prefix', prefix)
  return xmlAnswer(document)
}

async function createBucket(call: Call) {
  const name = call.request.bucket
  if (!isBucketName(name)) throw new S3Error('InvalidBucketName', undefined, { BucketName: name })
  const named = locationIn(await call.document(MAX_DOCUMENT_BYTES))
  // Where the application believes to be, it is even if that is configured otherwise one day.
  const location = named === call.request.region ? '' : named
  call.stopIfAborted()
  const isNew = await call.volume.createBucket({ name, created: call.time, location })
  // Only there is AWS content to have made it already.
  const isDefault = location === '' && call.volume.bucket(name).record.location === ''
  if (!isNew && !isDefault) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: name })
  return emptyAnswer(200, ['location', `/${name}`])
}

/** The LocationConstraint of a CreateBucketConfiguration; empty for none. */
function locationIn(document: Buffer): string {
  if (document.length === 0) return ''
  const root = parseXml(document)
  if (root.name !== 'CreateBucketConfiguration') throw new S3Error('MalformedXML')
  const location = root.textOf('LocationConstraint') ?? ''
  if (!/^[A-Za-z0-9-]{0,64}$/.test(location)) throw new S3Error('InvalidLocationConstraint')
  return location
}

function headBucket(call: Call) {
  return emptyAnswer(200, ['x-amz-bucket-region', call.bucket.record.location || call.request.region])
}

async function deleteBucket(call: Call) {
  await call.volume.deleteBucket(call.request.bucket)
  return emptyAnswer(204)
}

function getBucketLocation(call: Call) {
  const region = call.bucket.record.location || call.request.region
  const document = new XmlWriter('LocationConstraint')
  return xmlAnswer(region === FIRST_REGION ? document : document.text(region))
}

export const BUCKET_OPERATIONS = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
} satisfies Record<string, FileOperation>
