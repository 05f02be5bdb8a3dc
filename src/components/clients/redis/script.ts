/** A script in Lua that runs in the server as one step: by its digest, or whole where the server does not know it yet. */
import { createHash } from 'node:crypto'
import { ReplyError } from '../../../../codecs/redis/index.ts'
import { type RedisClient, refusal } from './client.ts'
import type { Bulks, RedisReply } from './question.ts'

export class Script {
  readonly #text: string
  readonly #digest: string

  constructor(text: string) {
    this.#text = text
    this.#digest = createHash('sha1').update(text).digest('hex')
  }

  /** Rejects as ask() does. */
  async run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    bulks?: Bulks,
  ): Promise<RedisReply> {
    const rest = [String(keys.length), ...keys, ...args]
    let reply = await client.tell(['EVALSHA', this.#digest, ...rest], bulks)
    // NOSCRIPT: nothing has run.
    if (reply instanceof ReplyError && reply.code === 'NOSCRIPT')
      reply = await client.tell(['EVAL', this.#text, ...rest], bulks)
    if (reply instanceof ReplyError) throw refusal(reply)
    return reply
  }
}
