/** Reads every new entry of a stream, by itself: from the last one at the beginning on, over outages too. */
import { ReplyError } from '../../../codecs/redis/index.ts'
import { type ExclusiveConnection, type RedisClient, type RedisReply, refusal } from '../clients/redis/index.ts'
import { type Entry, entryOf } from './redis-entries.ts'
import { ANSWER_MS, BLOCK_MS, MOST_AT_ONCE, type StreamReader } from './redis-reader.ts'

export class RedisBroadcast implements StreamReader {
  readonly #client: RedisClient
  readonly #topic: string
  /** The last one that was read. */
  #last: string | undefined
  /** What was read and is not settled. The stream knows nothing of it. */
  readonly #unsettled = new Map<string, Entry>()
  /** Of an earlier connection, unsettled: to be delivered again. */
  #left: Entry[] = []

  constructor(client: RedisClient, topic: string) {
    this.#client = client
    this.#topic = topic
  }

  async begin(): Promise<void> {
    this.#last ??= await this.#lastId()
    this.#left = [...this.#unsettled.values()]
  }

  async read(connection: ExclusiveConnection, count: number): Promise<readonly Entry[]> {
    const most = String(Math.min(count, MOST_AT_ONCE))
    const ids = ['COUNT', most, 'BLOCK', String(BLOCK_MS), 'STREAMS', this.#topic, this.#last!]
    const reply = await connection.tell(['XREAD', ...ids], BLOCK_MS + ANSWER_MS, 'buffers')
    if (reply instanceof ReplyError) throw refusal(reply)
    if (reply === null) return []
    const [[, found]] = reply as [[Buffer, RedisReply[][]]]
    const entries = found.map(entry => entryOf(entry, 1))
    for (const entry of entries) this.#unsettled.set(entry.id, entry)
    this.#last = entries.at(-1)?.id ?? this.#last
    return entries
  }

  async claim(count: number): Promise<readonly Entry[]> {
    return this.#left.splice(0, count).map(({ id }) => this.#counted(id)!)
  }

  async acknowledge(id: string): Promise<void> {
    this.#unsettled.delete(id)
  }

  async again(id: string): Promise<Entry | undefined> {
    return this.#counted(id)
  }

  async keep(): Promise<readonly string[]> {
    return []
  }

  async leave(): Promise<void> {}

  #counted(id: string): Entry | undefined {
    const entry = this.#unsettled.get(id)
    if (!entry) return undefined
    const next = { ...entry, attempt: entry.attempt + 1 }
    this.#unsettled.set(id, next)
    return next
  }

  async #lastId(): Promise<string> {
    const reply = await this.#client.tell(['XINFO', 'STREAM', this.#topic])
    if (reply instanceof ReplyError) {
      if (/no such key/.test(reply.message)) return '0-0'
      throw refusal(reply)
    }
    const facts = reply as RedisReply[]
    return String(facts[facts.indexOf('last-generated-id') + 1])
  }
}
