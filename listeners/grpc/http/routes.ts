/**
 * Dapr's HTTP API, as far as it has no trusted protocol: each route is a method of the gRPC service, with its request
 * made from the path, the query and the body. https://docs.dapr.io/reference/api/
 */

/** What a request says. */
export interface HttpRequest {
  readonly parameters: readonly string[]
  readonly query: URLSearchParams
  readonly body: Buffer
  readonly contentType: string
}

export interface HttpRoute {
  readonly verbs: readonly string[]
  /** Of the path; its groups are the parameters, decoded. */
  readonly path: RegExp
  /** The method of `dapr.proto.runtime.v1.Dapr`; null: answered without one. */
  readonly rpc: string | null
  readonly request: (request: HttpRequest) => object
  /** What is answered; nothing is 204. */
  readonly answer: (response: never) => unknown
}

/** A request that cannot be understood, in a sentence. */
export class BadRequest extends Error {}

const NOTHING = () => undefined

export const ROUTES: readonly HttpRoute[] = [
  { verbs: ['GET'], path: /^\/v1\.0\/healthz(?:\/outbound)?$/, rpc: null, request: () => ({}), answer: NOTHING },
  {
    verbs: ['GET'],
    path: /^\/v1\.0\/metadata$/,
    rpc: 'GetMetadata',
    request: () => ({}),
    answer: ({ id, runtime_version, extended_metadata, registered_components }: Metadata) => ({
      id,
      runtimeVersion: runtime_version,
      extended: extended_metadata,
      components: registered_components,
      subscriptions: [],
    }),
  },
  {
    verbs: ['PUT'],
    path: /^\/v1\.0\/metadata\/([^/]+)$/,
    rpc: 'SetMetadata',
    request: ({ parameters: [key], body }) => ({ key, value: body.toString() }),
    answer: NOTHING,
  },
  {
    verbs: ['GET'],
    path: /^\/v1\.0(?:-alpha1)?\/configuration\/([^/]+)$/,
    rpc: 'GetConfiguration',
    request: ({ parameters: [store_name], query }) => ({
      store_name,
      keys: query.getAll('key'),
      metadata: metadataOf(query),
    }),
    answer: ({ items }: { readonly items: object }) => items,
  },
  {
    verbs: ['POST'],
    path: /^\/v1\.0-alpha1\/lock\/([^/]+)$/,
    rpc: 'TryLockAlpha1',
    request({ parameters: [store_name], body }) {
      const { resourceId = '', lockOwner = '', expiryInSeconds = 0 } = jsonOf<LockDocument>(body)
      return { store_name, resource_id: resourceId, lock_owner: lockOwner, expiry_in_seconds: expiryInSeconds }
    },
    answer: ({ success }: { readonly success: boolean }) => ({ success }),
  },
  {
    verbs: ['POST'],
    path: /^\/v1\.0-alpha1\/unlock\/([^/]+)$/,
    rpc: 'UnlockAlpha1',
    request({ parameters: [store_name], body }) {
      const { resourceId = '', lockOwner = '' } = jsonOf<LockDocument>(body)
      return { store_name, resource_id: resourceId, lock_owner: lockOwner }
    },
    answer: ({ status }: { readonly status: number }) => ({ status }),
  },
  {
    verbs: ['GET'],
    path: /^\/v1\.0\/secrets\/([^/]+)\/bulk$/,
    rpc: 'GetBulkSecret',
    request: ({ parameters: [store_name], query }) => ({ store_name, metadata: metadataOf(query) }),
    answer: ({ data }: { readonly data: Readonly<Record<string, { readonly secrets: object }>> }) =>
      Object.fromEntries(Object.entries(data).map(([name, { secrets }]) => [name, secrets])),
  },
  {
    verbs: ['GET'],
    path: /^\/v1\.0\/secrets\/([^/]+)\/(.+)$/,
    rpc: 'GetSecret',
    request: ({ parameters: [store_name, key], query }) => ({ store_name, key, metadata: metadataOf(query) }),
    answer: ({ data }: { readonly data: object }) => data,
  },
  {
    verbs: ['POST', 'PUT'],
    path: /^\/v1\.0(?:-alpha1)?\/publish\/bulk\/([^/]+)\/(.+)$/,
    rpc: 'BulkPublishEvent',
    request: ({ parameters: [pubsub_name, topic], query, body }) => ({
      pubsub_name,
      topic,
      metadata: metadataOf(query),
      entries: entriesOf(jsonOf<readonly EntryDocument[]>(body)),
    }),
    answer: ({ failedEntries }: { readonly failedEntries: readonly FailedEntry[] }) =>
      failedEntries.length === 0
        ? undefined
        : { failedEntries: failedEntries.map(({ entry_id, error }) => ({ entryId: entry_id, error })) },
  },
  {
    verbs: ['POST', 'PUT'],
    path: /^\/v1\.0\/publish\/([^/]+)\/(.+)$/,
    rpc: 'PublishEvent',
    request: ({ parameters: [pubsub_name, topic], query, body, contentType }) => ({
      pubsub_name,
      topic,
      data: body,
      data_content_type: contentType,
      metadata: metadataOf(query),
    }),
    answer: NOTHING,
  },
]

interface Metadata {
  readonly id: string
  readonly runtime_version: string
  readonly extended_metadata: object
  readonly registered_components: readonly object[]
}

interface LockDocument {
  readonly resourceId?: string
  readonly lockOwner?: string
  readonly expiryInSeconds?: number
}

interface EntryDocument {
  readonly entryId?: string
  /** As Dapr's own client for Node.js writes it. */
  readonly entryID?: string
  readonly event?: unknown
  readonly contentType?: string
  readonly metadata?: Readonly<Record<string, string>>
}

interface FailedEntry {
  readonly entry_id: string
  readonly error: string
}

/** `?metadata.ttlInSeconds=60` and so on. */
function metadataOf(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    [...query].flatMap(([key, value]) => (key.startsWith('metadata.') ? [[key.slice('metadata.'.length), value]] : [])),
  )
}

function jsonOf<Document>(body: Buffer): Document {
  try {
    const document = JSON.parse(body.toString())
    if (typeof document === 'object' && document !== null) return document
  } catch {}
  throw new BadRequest('the body must be a JSON document')
}

/** An event is a text as it is, bytes in base64 where its type says so, and anything else JSON. */
function entriesOf(documents: readonly EntryDocument[]): readonly object[] {
  if (!Array.isArray(documents)) throw new BadRequest('the body must be a list of entries')
  return documents.map(({ entryID = '', entryId = entryID, event, contentType = '', metadata = {} }) => ({
    entry_id: entryId,
    event:
      typeof event === 'string'
        ? Buffer.from(event, contentType === 'application/octet-stream' ? 'base64' : 'utf8')
        : Buffer.from(JSON.stringify(event ?? null)),
    content_type: contentType || (typeof event === 'string' ? 'text/plain' : 'application/json'),
    metadata,
  }))
}
