/** Which operation a request is: a table of all that AWS documents, looked up by method, level and what its query or headers name. */
import { S3Error } from './errors.ts'
import { OPERATION_ROWS } from './operation-rows.ts'
import { valueIn } from './pairs.ts'

/** What the operations table says of one operation. */
export interface Operation {
  /** As AWS names it, such as `PutObject`; `Unknown` for what the table does not have: it passes all the same. */
  readonly name: string
  /** What a policy must allow for it. */
  readonly access: 'read' | 'list' | 'write' | 'delete' | 'admin'
  /** What the request carries: an object's bytes, a small XML or other document, or nothing. */
  readonly body: 'object' | 'document' | 'none'
  /** AWS refuses the document without a checksum or Content-MD5. */
  readonly requiresChecksum: boolean
}

/** What the table is asked with. */
export interface OperationQuestion {
  readonly method: string
  /** Empty for requests about no bucket. */
  readonly bucket: string
  /** Empty for requests about a bucket. */
  readonly key: string
  /** Name, value ..., decoded. */
  readonly query: readonly string[]
  /** Name in lower case, value .... */
  readonly headers: readonly string[]
}

/** All known operations, each once. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  OPERATION_ROWS.map(([, , , name, access, body, checksum]) => [
    name,
    { name, access, body, requiresChecksum: checksum === 'checksum' },
  ]),
)

/** By `level method marker`. */
const TABLE = new Map(
  OPERATION_ROWS.map(([level, method, marker, name]) => [`${level} ${method} ${marker}`, OPERATIONS.get(name)!]),
)

/** Query names that choose an operation, whatever the level and method. */
const MARKERS = new Set(
  OPERATION_ROWS.flatMap(([, , marker]) => (/^(|@.*|.*=.*)$/.test(marker) ? [] : [marker.split('+')[0]!])),
)

/** Query names that only tell an operation more. */
const PARAMETERS = new Set([
  ...['prefix', 'delimiter', 'marker', 'max-keys', 'encoding-type', 'list-type', 'continuation-token', 'start-after'],
  ...['fetch-owner', 'key-marker', 'version-id-marker', 'upload-id-marker', 'max-uploads', 'part-number-marker'],
  ...['max-parts', 'max-buckets', 'bucket-region', 'versionId', 'partNumber', 'id', 'annotationName', 'select-type'],
  ...['annotation-prefix', 'max-annotation-results', 'max-directory-buckets', 'x-id'],
])

/** Throws InvalidArgument where the query names two operations, of which a store might choose another than we. */
export function classify(question: OperationQuestion): Operation {
  const { method, query } = question
  const level = question.key !== '' ? 'object' : question.bucket !== '' ? 'bucket' : 'service'
  let marker = ''
  let isUnknown = false
  for (let at = 0; at < query.length; at += 2) {
    const name = query[at]!
    if (MARKERS.has(name)) {
      if (marker !== '' && marker !== name) throw conflict(marker, name)
      marker = name
    } else if (query[at + 1] === '' && !PARAMETERS.has(name)) isUnknown = true
  }
  if (isUnknown) return unknown(method, level, true)
  if (marker === '') {
    const special = query.length === 0 && method !== 'PUT' && method !== 'POST' ? '' : variant(question, level)
    return TABLE.get(`${level} ${method} ${special}`) ?? unknown(method, level, false)
  }
  const detail = DETAILS.get(`${level} ${method} ${marker}`)
  if (
    detail !== undefined &&
    valueIn(detail[0] === '@' ? question.headers : query, detail.replace('@', '')) !== undefined
  ) {
    marker = `${marker}+${detail}`
  }
  return TABLE.get(`${level} ${method} ${marker}`) ?? unknown(method, level, true)
}

/** What else, beside its marker, makes a request another operation: a query name, or a header after `@`. */
const DETAILS = new Map(
  OPERATION_ROWS.flatMap(([level, method, marker]) => {
    const [name, detail] = marker.split('+')
    return detail === undefined ? [] : [[`${level} ${method} ${name}`, detail] as const]
  }),
)

/** Requests without a marker that are yet not the plain one of their method. */
function variant({ method, query, headers }: OperationQuestion, level: string): string {
  if (method === 'PUT')
    return level === 'object' && valueIn(headers, 'x-amz-copy-source') !== undefined ? '@x-amz-copy-source' : ''
  if (method === 'POST') {
    if (level === 'object') return ''
    if (valueIn(headers, 'x-amz-request-route') !== undefined) return '@x-amz-request-route'
    return /^multipart\/form-data\b/i.test(valueIn(headers, 'content-type') ?? '') ? '@form' : ''
  }
  if (method !== 'GET') return ''
  if (level === 'bucket') return valueIn(query, 'list-type') === '2' ? 'list-type=2' : ''
  return level === 'service' && valueIn(query, 'x-id') === 'ListDirectoryBuckets' ? 'x-id=ListDirectoryBuckets' : ''
}

function conflict(one: string, other: string): S3Error {
  return new S3Error('InvalidArgument', `Conflicting query string parameters: ${one}, ${other}`, {
    ArgumentName: 'ResourceType',
    ArgumentValue: one,
  })
}

const UNKNOWN = (access: Operation['access'], body: Operation['body']): Operation => ({
  name: 'Unknown',
  access,
  body,
  requiresChecksum: false,
})
const UNKNOWN_READ = UNKNOWN('read', 'none')
const UNKNOWN_DELETE = UNKNOWN('delete', 'none')
const UNKNOWN_WRITE = UNKNOWN('write', 'object')
/** Whatever a sub-resource is that is changed, an object's bytes it is not. */
const UNKNOWN_ADMIN = UNKNOWN('admin', 'object')

function unknown(method: string, level: string, isSubresource: boolean): Operation {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return UNKNOWN_READ
  if (level !== 'object' || isSubresource) return UNKNOWN_ADMIN
  return method === 'DELETE' ? UNKNOWN_DELETE : UNKNOWN_WRITE
}
