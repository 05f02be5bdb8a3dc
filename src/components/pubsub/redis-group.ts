/**
 * Reads a stream as a consumer of its own in a consumer group. What is read stands in the group's list of pending
 * entries until it is acknowledged. A living consumer renews its entries there; what is not renewed for `claimAfterMs`,
 * or was left in so many words, is claimed by another, and consumers that have nothing left are taken out.
 */
import { randomUUID } from 'node:crypto'
import { ReplyError } from '../../../codecs/redis/index.ts'
import type { SubscribeOptions } from '../../apis/index.ts'
import { type ExclusiveConnection, type RedisClient, type RedisReply, refusal, Script } from '../clients/redis/index.ts'
import { type Entry, entryOf } from './redis-entries.ts'
import { ANSWER_MS, BLOCK_MS, MOST_AT_ONCE, type StreamReader } from './redis-reader.ts'

/** Consumers of ours, which are taken out when they are gone. */
const CONSUMERS = 'portolan-'

/**
 * Takes over entries that are idle. KEYS: the stream. ARGV: group, consumer, least idle milliseconds, how many, how our
 * consumers' names begin. Answers id, number of this delivery and fields of each.
 */
const CLAIM = new Script(`
local taken, owners = {}, {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])) do
  local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, pending[1])[1]
  if entry then
    taken[#taken + 1] = { pending[1], pending[4] + 1, entry[2] }
  else
    redis.call('XACK', KEYS[1], ARGV[1], pending[1])
  end
  owners[pending[2]] = true
end
for owner in pairs(owners) do
  if owner ~= ARGV[2] and string.sub(owner, 1, #ARGV[5]) == ARGV[5]
    and #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, owner) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], owner)
  end
end
return taken
`)

/** One of our own entries once more. ARGV: group, consumer, id. Answers as CLAIM, or nothing. */
const AGAIN = new Script(`
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])[1]
if not pending then return {} end
local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3])[1]
if entry then return { { ARGV[3], pending[4] + 1, entry[2] } } end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
return {}
`)

/** Renews entries that are still ours. ARGV: group, consumer, ids. Answers the others. */
const KEEP = new Script(`
local lost = {}
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) == 0 then
    lost[#lost + 1] = ARGV[i]
  else
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
return lost
`)

/** Makes our entries idle since ever, so that they are claimed at once. ARGV: group, consumer, how many at most. */
const LEAVE = new Script(`
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ARGV[3], ARGV[2])
for _, each in ipairs(pending) do
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, each[1], 'TIME', 1, 'JUSTID')
end
if #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return #pending
`)

/** More than a subscription may have in flight. */
const MOST_LEFT = 20_000

export interface GroupOptions extends Pick<SubscribeOptions, 'from'> {
  readonly topic: string
  readonly group: string
  readonly claimAfterMs: number
}

export class RedisGroup implements StreamReader {
  readonly #client: RedisClient
  readonly #options: GroupOptions
  readonly #consumer = `${CONSUMERS}${randomUUID()}`
  /** Where a group begins that is not there: one that has been has lost nothing of what came after it. */
  #from: '$' | '0'

  constructor(client: RedisClient, options: GroupOptions) {
    this.#client = client
    this.#options = options
    this.#from = options.from === 'new' ? '$' : '0'
  }

  async begin(): Promise<void> {
    await this.#create()
    await this.leave()
  }

  async read(connection: ExclusiveConnection, count: number): Promise<readonly Entry[]> {
    const { topic, group } = this.#options
    const most = String(Math.min(count, MOST_AT_ONCE))
    const ids = ['GROUP', group, this.#consumer, 'COUNT', most, 'BLOCK', String(BLOCK_MS), 'STREAMS', topic, '>']
    const reply = await connection.tell(['XREADGROUP', ...ids], BLOCK_MS + ANSWER_MS, 'buffers')
    if (reply instanceof ReplyError) {
      if (!isGone(reply)) throw refusal(reply)
      await this.#create()
      return []
    }
    if (reply === null) return []
    const [[, entries]] = reply as [[Buffer, RedisReply[][]]]
    return entries.map(entry => entryOf(entry, 1))
  }

  async claim(count: number): Promise<readonly Entry[]> {
    const { claimAfterMs } = this.#options
    const most = String(Math.min(count, MOST_AT_ONCE))
    return entriesOf(await this.#run(CLAIM, String(Math.ceil(claimAfterMs)), most, CONSUMERS))
  }

  acknowledge(id: string): Promise<unknown> {
    const { topic, group } = this.#options
    return this.#client.ask(['XACK', topic, group, id])
  }

  async again(id: string): Promise<Entry | undefined> {
    return entriesOf(await this.#run(AGAIN, id))[0]
  }

  async keep(ids: readonly string[]): Promise<readonly string[]> {
    return ((await this.#run(KEEP, ...ids)) as Buffer[]).map(String)
  }

  async leave(): Promise<void> {
    await this.#run(LEAVE, String(MOST_LEFT))
  }

  async #create(): Promise<void> {
    const { topic, group } = this.#options
    const reply = await this.#client.tell(['XGROUP', 'CREATE', topic, group, this.#from, 'MKSTREAM'])
    if (reply instanceof ReplyError && reply.code !== 'BUSYGROUP') throw refusal(reply)
    this.#from = '0'
  }

  async #run(script: Script, ...args: readonly string[]): Promise<RedisReply> {
    const { topic, group } = this.#options
    return script.run(this.#client, [topic], [group, this.#consumer, ...args], 'buffers').catch(error => {
      if (error.cause instanceof ReplyError && isGone(error.cause)) return []
      throw error
    })
  }
}

/** The group or its stream was deleted: by FLUSHALL, say. A script's error names the first error within. */
function isGone({ message }: ReplyError): boolean {
  return /NOGROUP|UNBLOCKED/.test(message)
}

function entriesOf(reply: RedisReply): readonly Entry[] {
  return (reply as [Buffer, number, Buffer[]][]).map(([id, attempt, fields]) => entryOf([id, fields], attempt))
}
