/** A script in Lua that runs in the server as one step: by its digest, or whole where the server does not know it yet. */
import { createHash } from 'node:crypto'
import { ReplyError } from '../../../../codecs/redis/index.ts'
import { type RedisClient, type RedisReply, refusal } from './client.ts'

export class Script {
  readonly #text: string
  readonly #digest: string

  constructor(text: string) {
    this.#text = text
    this.#digest = createHash('sha1').update(text).digest('hex')
  }

  /** Rejects as ask() does. */
  async run(client: RedisClient, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<RedisReply> {
    const rest = [String(keys.length), ...keys, ...args]
    const reply = await client.tell(['EVALSHA', this.#digest, ...rest])
    if (!(reply instanceof ReplyError)) return reply
    // NOSCRIPT: nothing has run.
    if (reply.code === 'NOSCRIPT') return client.ask(['EVAL', this.#text, ...rest])
    throw refusal(reply)
  }
}
