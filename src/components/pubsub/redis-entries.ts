/**
 * A message as an entry of a stream. As daprd has it: `data` holds the data, `metadata` texts by name in JSON, which are
 * the headers here. Beside them stand fields of our own, which daprd does not look at: `contentType` and `ttl`.
 */
import type { Delivery, OutgoingMessage } from '../../apis/index.ts'
import type { RedisReply } from '../clients/redis/index.ts'

export interface Entry {
  /** `<milliseconds of the server's clock>-<number>`. */
  readonly id: string
  readonly message: Pick<Delivery, 'data' | 'contentType' | 'headers'>
  /** 1 for the first delivery. */
  readonly attempt: number
  /** When it is not to be delivered any more, by the server's clock in milliseconds. */
  readonly until: number | undefined
}

/** For XADD, behind the id. */
export function fieldsOf({ data, contentType, headers, ttlMs }: OutgoingMessage): (string | Buffer)[] {
  const fields = ['data', data]
  if (Object.keys(headers).length > 0) fields.push('metadata', JSON.stringify(headers))
  if (contentType) fields.push('contentType', contentType)
  if (ttlMs !== undefined) fields.push('ttl', String(Math.ceil(ttlMs)))
  return fields
}

/** From an id, and names and values in turn; all as Buffers. */
export function entryOf([id, pairs]: readonly RedisReply[], attempt: number): Entry {
  const values = new Map<string, Buffer>()
  const fields = pairs as Buffer[]
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i]!.toString(), fields[i + 1]!)
  const text = String(id)
  const ttl = Number(values.get('ttl')?.toString())
  return {
    id: text,
    message: {
      data: values.get('data') ?? Buffer.alloc(0),
      contentType: values.get('contentType')?.toString() ?? '',
      headers: headersOf(values.get('metadata')),
    },
    attempt,
    until: ttl > 0 ? Number.parseInt(text, 10) + ttl : undefined,
  }
}

/** Whatever somebody else has put there is no reason to lose the message. */
function headersOf(metadata: Buffer | undefined): Record<string, string> {
  if (!metadata) return {}
  try {
    const given = JSON.parse(metadata.toString()) as unknown
    if (typeof given !== 'object' || given === null) return {}
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
  } catch {
    return {}
  }
}
