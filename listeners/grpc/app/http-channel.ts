/** The application as an HTTP server: `GET /dapr/subscribe`, and events as POST of CloudEvents. */
import { CLOUD_EVENT_TYPE } from '../../../src/services/index.ts'
import { type AppChannel, type AppEvent, type AppOutcome, type AppSubscription, AppUnreachable } from './channel.ts'

const OUTCOMES: Readonly<Record<string, AppOutcome>> = { SUCCESS: 'ack', RETRY: 'retry', DROP: 'drop' }
/** Of an answer; they are small. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

interface SubscriptionDocument {
  readonly pubsubname?: string
  readonly topic?: string
  readonly route?: string
  readonly routes?: {
    readonly default?: string
    readonly rules?: readonly { readonly match?: string; readonly path?: string }[]
  }
  readonly metadata?: Readonly<Record<string, string>>
  readonly deadLetterTopic?: string
  readonly bulkSubscribe?: {
    readonly enabled?: boolean
    readonly maxMessagesCount?: number
    readonly maxAwaitDurationMs?: number
  }
}

interface AppMessage {
  readonly type: string
  readonly document: object
  /** Applications look for it among the headers too. */
  readonly pubsubName: string
}

export interface ChannelOptions {
  /** Such as `http://127.0.0.1:3000`. */
  readonly base: string
  readonly timeoutMs: number
  /** What the application wants to be shown as `dapr-api-token`. */
  readonly token: () => string | undefined
}

export class HttpAppChannel implements AppChannel {
  readonly #options: ChannelOptions
  readonly #closing = new AbortController()

  constructor(options: ChannelOptions) {
    this.#options = options
  }

  async subscriptions(): Promise<readonly AppSubscription[]> {
    const { status, body } = await this.#request('GET', '/dapr/subscribe')
    if (status === 404) return []
    if (status >= 300) throw new Error(`the application answers /dapr/subscribe with ${status}`)
    const documents = body.length === 0 ? [] : JSON.parse(body.toString())
    if (!Array.isArray(documents))
      throw new Error('the application answers /dapr/subscribe with something else than a list')
    return documents.map(toSubscription)
  }

  async deliver({ event, topic, pubsubName, path }: AppEvent): Promise<AppOutcome> {
    const document = toDocument(event, topic, pubsubName)
    const type = CLOUD_EVENT_TYPE
    const { status, body } = await this.#request('POST', pathOf(path), { type, document, pubsubName })
    if (status === 404) return 'drop'
    if (status >= 300) return 'retry'
    return OUTCOMES[statusIn(body)] ?? 'ack'
  }

  async deliverAll(events: readonly AppEvent[]): Promise<readonly AppOutcome[]> {
    const [first] = events
    const { topic, pubsubName, path, id } = first!
    const document = {
      id,
      entries: events.map(({ id: entryId, event, raw }) => ({
        entryId,
        event: raw ? event.data.toString('base64') : toDocument(event, topic, pubsubName),
        // What says that the bytes are in base64, whatever they are.
        contentType: raw ? 'application/octet-stream' : CLOUD_EVENT_TYPE,
        metadata: {},
      })),
      metadata: {},
      topic,
      pubsubname: pubsubName,
      type: 'com.dapr.event.sent.bulk',
    }
    const type = 'application/json'
    const { status, body } = await this.#request('POST', pathOf(path), { type, document, pubsubName })
    if (status === 404) return events.map(() => 'drop')
    if (status >= 300) return events.map(() => 'retry')
    const statuses = (
      parsed(body) as
        | { readonly statuses?: readonly { readonly entryId: string; readonly status: string }[] }
        | undefined
    )?.statuses
    const byId = new Map(statuses?.map(each => [each.entryId, OUTCOMES[each.status]]))
    return events.map(event => byId.get(event.id) ?? 'retry')
  }

  close(): void {
    this.#closing.abort()
  }

  async #request(method: string, path: string, message?: AppMessage) {
    const token = this.#options.token()
    const response = await reached(this.#options.base + path, {
      method,
      headers: {
        ...(message && { 'content-type': message.type, pubsubname: message.pubsubName }),
        ...(token !== undefined && { 'dapr-api-token': token }),
      },
      ...(message && { body: JSON.stringify(message.document) }),
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs), this.#closing.signal]),
    })
    return { status: response.status, body: await readAll(response) }
  }
}

/** What fetch says of a peer that is not there is a TypeError. */
async function reached(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const { cause } = error as { readonly cause?: { readonly message?: string } }
    throw new AppUnreachable(cause?.message ?? error.message, { cause: error })
  }
}

async function readAll(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the application answers with more than anybody expects')
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function toSubscription(document: SubscriptionDocument): AppSubscription {
  const { pubsubname = '', topic = '', route, routes, metadata = {}, deadLetterTopic = '', bulkSubscribe } = document
  return {
    pubsubName: pubsubname,
    topic,
    metadata,
    path: routes?.default ?? route ?? '',
    rules: (routes?.rules ?? []).map(({ match = '', path = '' }) => ({ match, path })),
    deadLetterTopic,
    ...(bulkSubscribe?.enabled && {
      bulk: {
        maxMessages: bulkSubscribe.maxMessagesCount || 100,
        maxWaitMs: bulkSubscribe.maxAwaitDurationMs || 1_000,
      },
    }),
  }
}

/** The event as CloudEvents are written in JSON. */
function toDocument(event: AppEvent['event'], topic: string, pubsubname: string): object {
  const { id, source, type, specVersion, dataContentType, data, extensions } = event
  const head = { id, source, type, specversion: specVersion, datacontenttype: dataContentType, topic, pubsubname }
  return { ...extensions, ...head, ...dataIn(dataContentType, data) }
}

function dataIn(contentType: string, data: Buffer): object {
  const text = data.toString()
  if (/^application\/(?:[\w.-]+\+)?json\b/.test(contentType)) {
    const value = parsed(data)
    if (value !== undefined) return { data: value }
  }
  return Buffer.from(text).equals(data) && contentType !== 'application/octet-stream'
    ? { data: text }
    : { data_base64: data.toString('base64') }
}

function pathOf(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}

function statusIn(body: Buffer): string {
  const { status = '' } = (parsed(body) ?? {}) as { readonly status?: string }
  return status
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
