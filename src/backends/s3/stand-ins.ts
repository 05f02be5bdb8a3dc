/** What is done for a service that lacks an operation, where it comes out the same: never by looking first and acting then. */
import { headerIn, OPERATIONS, S3Error, valueIn, XmlWriter } from '../../../codecs/s3/index.ts'
import type { Profile } from './profiles/profile.ts'
import type { StoreRequest, StoreResponse } from './store.ts'
import type { Translation } from './translate/answers.ts'

export interface StandIn {
  /** What is sent instead. */
  readonly request: StoreRequest
  /** Changes the head of the answer. Throws S3Error for one that cannot be used. */
  readonly answer?: (response: StoreResponse) => StoreResponse
  /** Asks for the reason when the answer is an error without a document. */
  readonly reason?: StandIn
  /** Makes the document of the answer. */
  readonly document?: Translation
}

/** Undefined for what the service does itself. Throws S3Error for what cannot be had from it in another way. */
export function standIn(request: StoreRequest, profile: Profile): StandIn | undefined {
  const { name } = request.operation
  if (name === 'GetObjectAttributes' && !profile.attributes) return attributes(request)
  if ((name !== 'GetObject' && name !== 'HeadObject') || profile.readsParts) return undefined
  const part = valueIn(request.query, 'partNumber')
  return part === undefined ? undefined : wholeAsPart(request, part)
}

/** GetObjectAttributes by HeadObject, which tells size, ETag and storage class. */
function attributes(request: StoreRequest): StandIn {
  let response: StoreResponse | undefined
  const wanted = (valueIn(request.headers, 'x-amz-object-attributes') ?? '').split(',').map(name => name.trim())
  return {
    request: {
      ...request,
      method: 'HEAD',
      operation: OPERATIONS.get('HeadObject')!,
      query: without(request.query, 'attributes'),
      headers: without(request.headers, 'x-amz-object-attributes'),
    },
    // HEAD tells no more than the status: whether the key is missing, its version or its bucket, GET tells.
    reason: { request: firstByte(request), answer: onlyErrors },
    answer(answered) {
      response = answered
      const headers = ['Content-Type', 'application/xml']
      for (const name of ['last-modified', 'x-amz-version-id', 'x-amz-delete-marker']) {
        const value = headerIn(answered.headers, name)
        if (value !== undefined) headers.push(name, value)
      }
      return { ...answered, headers, length: undefined }
    },
    document() {
      const { headers, length } = response!
      const etag = headerIn(headers, 'etag') ?? headerIn(response!.headers, 'etag')
      const answer = new XmlWriter('GetObjectAttributesResponse')
      if (wanted.includes('ETag')) answer.leaf('ETag', etag?.replaceAll('"', ''))
      if (wanted.includes('StorageClass'))
        answer.leaf('StorageClass', headerIn(headers, 'x-amz-storage-class') ?? 'STANDARD')
      if (wanted.includes('ObjectSize')) answer.leaf('ObjectSize', length)
      return answer.finish()
    },
  }
}

function firstByte(request: StoreRequest): StoreRequest {
  return {
    ...request,
    operation: OPERATIONS.get('GetObject')!,
    query: without(request.query, 'attributes'),
    headers: [...without(request.headers, 'x-amz-object-attributes'), 'range', 'bytes=0-0'],
  }
}

/** By now the object may be there, or be readable: then it is worth another try. */
function onlyErrors(response: StoreResponse): StoreResponse {
  if (response.status < 300) throw new S3Error('ServiceUnavailable')
  return response
}

/** An object that was written in one piece is its own first part. */
function wholeAsPart(request: StoreRequest, part: string): StandIn {
  if (part !== '1') throw new S3Error('NotImplemented', 'The service does not read objects by part number.')
  return {
    request: { ...request, query: without(request.query, 'partNumber') },
    answer(response) {
      const { status, headers, length } = response
      if (status !== 200) return response
      const isInParts = /-\d+"?$/.test(headerIn(headers, 'etag') ?? '')
      if (isInParts) throw new S3Error('NotImplemented', 'The service does not read objects by part number.')
      const range = length === undefined || length === 0 ? [] : ['Content-Range', `bytes 0-${length - 1}/${length}`]
      return { ...response, status: range.length === 0 ? 200 : 206, headers: [...headers, ...range] }
    },
  }
}

function without(pairs: readonly string[], name: string): string[] {
  return pairs.filter((_, at, all) => all[at - (at % 2)] !== name)
}
