/**
 * The messages of etcd v3 on the wire, as its API reference documents them: the methods and fields that are used here,
 * under the numbers they have there. All 64-bit numbers are bigints.
 */

/** Name to type and number; a type ending in `[]` is repeated. */
export type Fields = Readonly<Record<string, readonly [type: string, id: number]>>

export const MESSAGES = {
  Nothing: {},
  Header: { revision: ['int64', 3] },
  KeyValue: {
    key: ['bytes', 1],
    createRevision: ['int64', 2],
    modRevision: ['int64', 3],
    version: ['int64', 4],
    value: ['bytes', 5],
    lease: ['int64', 6],
  },
  RangeRequest: { key: ['bytes', 1], rangeEnd: ['bytes', 2], limit: ['int64', 3], revision: ['int64', 4] },
  RangeResponse: { header: ['Header', 1], kvs: ['KeyValue[]', 2], more: ['bool', 3] },
  PutRequest: { key: ['bytes', 1], value: ['bytes', 2], lease: ['int64', 3] },
  DeleteRequest: { key: ['bytes', 1], rangeEnd: ['bytes', 2] },
  DeleteResponse: { header: ['Header', 1], deleted: ['int64', 2] },
  Compare: {
    result: ['uint32', 1],
    target: ['uint32', 2],
    key: ['bytes', 3],
    createRevision: ['int64', 5],
    modRevision: ['int64', 6],
    value: ['bytes', 7],
  },
  RequestOp: { range: ['RangeRequest', 1], put: ['PutRequest', 2], delete: ['DeleteRequest', 3] },
  ResponseOp: { range: ['RangeResponse', 1], delete: ['DeleteResponse', 3] },
  TxnRequest: { compare: ['Compare[]', 1], success: ['RequestOp[]', 2], failure: ['RequestOp[]', 3] },
  TxnResponse: { header: ['Header', 1], succeeded: ['bool', 2], responses: ['ResponseOp[]', 3] },
  WatchRequest: { create: ['WatchCreate', 1] },
  WatchCreate: {
    key: ['bytes', 1],
    rangeEnd: ['bytes', 2],
    startRevision: ['int64', 3],
    watchId: ['int64', 7],
    fragment: ['bool', 8],
  },
  WatchResponse: {
    header: ['Header', 1],
    watchId: ['int64', 2],
    created: ['bool', 3],
    canceled: ['bool', 4],
    compactRevision: ['int64', 5],
    cancelReason: ['string', 6],
    fragment: ['bool', 7],
    events: ['Event[]', 11],
  },
  Event: { type: ['uint32', 1], kv: ['KeyValue', 2] },
  LeaseGrantRequest: { ttl: ['int64', 1] },
  LeaseGrantResponse: { id: ['int64', 2], ttl: ['int64', 3] },
  LeaseRequest: { id: ['int64', 1] },
  LeaseTimeToLiveResponse: { ttl: ['int64', 3] },
  AuthenticateRequest: { name: ['string', 1], password: ['string', 2] },
  AuthenticateResponse: { token: ['string', 2] },
  StatusResponse: { header: ['Header', 1], version: ['string', 2], dbSize: ['int64', 3], leader: ['uint64', 4] },
} satisfies Record<string, Fields>

/** Which comparison; the field of the same meaning holds what to compare with. */
export const COMPARE = { create: 1, mod: 2, value: 3 } as const

export const EVENT_DELETE = 1

export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  /** The revision of its first write since it exists. */
  readonly createRevision: bigint
  readonly modRevision: bigint
  /** Writes since it exists. */
  readonly version: bigint
  /** 0 without one. */
  readonly lease: bigint
}

export interface Header {
  readonly revision: bigint
}

/** One key, or all from `key` up to before `rangeEnd`. */
export interface Range {
  readonly key: Buffer
  readonly rangeEnd?: Buffer
}

export interface RangeRequest extends Range {
  readonly limit?: bigint
  /** As it was then; 0 for now. */
  readonly revision?: bigint
}

export interface RangeResponse {
  readonly header: Header
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
}

export type Compare = { readonly key: Buffer } & (
  | { readonly target: typeof COMPARE.create; readonly createRevision: bigint }
  | { readonly target: typeof COMPARE.mod; readonly modRevision: bigint }
  | { readonly target: typeof COMPARE.value; readonly value: Buffer }
)

export type RequestOp =
  | { readonly range: RangeRequest }
  | { readonly put: { readonly key: Buffer; readonly value: Buffer; readonly lease?: bigint } }
  | { readonly delete: Range }

export interface ResponseOp {
  readonly range: RangeResponse | null
  readonly delete: { readonly deleted: bigint } | null
}

export interface TxnRequest {
  /** All must hold. */
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}

export interface TxnResponse {
  readonly header: Header
  readonly succeeded: boolean
  readonly responses: readonly ResponseOp[]
}

export interface WatchRequest {
  readonly create: Range & { readonly startRevision: bigint; readonly watchId: bigint; readonly fragment: boolean }
}

export interface WatchResponse {
  readonly header: Header
  readonly watchId: bigint
  readonly created: boolean
  readonly canceled: boolean
  /** Not 0: what was asked for is compacted away, up to before this revision. */
  readonly compactRevision: bigint
  readonly cancelReason: string
  /** The changes of the last revision go on in the next response. */
  readonly fragment: boolean
  readonly events: readonly { readonly type: number; readonly kv: KeyValue }[]
}

export interface Status {
  readonly header: Header
  readonly version: string
  readonly dbSize: bigint
  /** 0 while there is none. */
  readonly leader: bigint
}

export type MessageName = keyof typeof MESSAGES

/** A method: where it is, its messages, and whether doing it once more does no harm. */
export interface Rpc<Request, Response> {
  readonly path: string
  readonly request: MessageName
  readonly response: MessageName
  readonly repeatable: boolean
  /** Only types: what the messages look like. */
  readonly types?: (request: Request) => Response
}

export const RANGE: Rpc<RangeRequest, RangeResponse> = {
  path: '/etcdserverpb.KV/Range',
  request: 'RangeRequest',
  response: 'RangeResponse',
  repeatable: true,
}

export const TXN: Rpc<TxnRequest, TxnResponse> = {
  path: '/etcdserverpb.KV/Txn',
  request: 'TxnRequest',
  response: 'TxnResponse',
  repeatable: false,
}

/** A transaction that only reads. */
export const READ_TXN: Rpc<TxnRequest, TxnResponse> = { ...TXN, repeatable: true }

export const WATCH: Rpc<WatchRequest, WatchResponse> = {
  path: '/etcdserverpb.Watch/Watch',
  request: 'WatchRequest',
  response: 'WatchResponse',
  repeatable: true,
}

/** A lease that nobody knows of ends by itself. */
export const LEASE_GRANT: Rpc<{ readonly ttl: bigint }, { readonly id: bigint; readonly ttl: bigint }> = {
  path: '/etcdserverpb.Lease/LeaseGrant',
  request: 'LeaseGrantRequest',
  response: 'LeaseGrantResponse',
  repeatable: true,
}

export const LEASE_REVOKE: Rpc<{ readonly id: bigint }, object> = {
  path: '/etcdserverpb.Lease/LeaseRevoke',
  request: 'LeaseRequest',
  response: 'Nothing',
  repeatable: true,
}

export const LEASE_TIME_TO_LIVE: Rpc<{ readonly id: bigint }, { readonly ttl: bigint }> = {
  path: '/etcdserverpb.Lease/LeaseTimeToLive',
  request: 'LeaseRequest',
  response: 'LeaseTimeToLiveResponse',
  repeatable: true,
}

export const AUTHENTICATE: Rpc<{ readonly name: string; readonly password: string }, { readonly token: string }> = {
  path: '/etcdserverpb.Auth/Authenticate',
  request: 'AuthenticateRequest',
  response: 'AuthenticateResponse',
  repeatable: true,
}

export const STATUS: Rpc<object, Status> = {
  path: '/etcdserverpb.Maintenance/Status',
  request: 'Nothing',
  response: 'StatusResponse',
  repeatable: true,
}
