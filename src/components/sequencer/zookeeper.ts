/**
 * Sequences in ZooKeeper: a node `<prefix>/<key>` holds the last number that is given out, and is written only if it has
 * the version that was read.
 */
import * as z from 'zod/mini'
import { ERROR, GET_DATA, SET_DATA } from '../../../codecs/zookeeper/index.ts'
import type { SequencerStore } from '../../apis/index.ts'
import type { ComponentKind } from '../../component.ts'
import {
  isCode,
  makeNode,
  nodeName,
  nodePrefix,
  unless,
  ZooKeeperClient,
  zookeeperOptions,
} from '../clients/zookeeper/index.ts'
import { advanced, MAX_ATTEMPTS, parseCounter, tooContended } from './counter.ts'
import { InTurn } from './in-turn.ts'

const options = () =>
  z.strictObject({ ...zookeeperOptions(), prefix: nodePrefix('/portolan/sequencer', 'the sequences') })

export const zookeeperSequencer: ComponentKind<'sequencer'> = {
  api: 'sequencer',
  type: 'zookeeper',
  features: ['sequencer.unique', 'sequencer.monotonic-weak', 'sequencer.monotonic-strong', 'sequencer.segment'],
  options,
  open: async (raw, context) => {
    const { prefix, ...rest } = raw as z.output<ReturnType<typeof options>>
    return new ZooKeeperSequencerStore(new ZooKeeperClient(rest, context), prefix)
  },
}

class ZooKeeperSequencerStore implements SequencerStore {
  readonly #client: ZooKeeperClient
  readonly #prefix: string
  readonly #turns: InTurn

  constructor(client: ZooKeeperClient, prefix: string) {
    this.#client = client
    this.#prefix = prefix
    this.#turns = new InTurn(client.clock, client.requestTimeoutMs)
  }

  check(timeoutMs: number) {
    return this.#client.check(timeoutMs)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  reserve(key: string, count: number): Promise<bigint> {
    return this.#turns.run(key, () => this.#reserve(`${this.#prefix}/${nodeName(key)}`, count))
  }

  async #reserve(path: string, count: number): Promise<bigint> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      // A follower may be behind: then the version that it tells is not the one that is there.
      const found = await unless(this.#client.call(GET_DATA, { path, watch: false }), ERROR.noNode)
      if (!found) {
        if (await makeNode(this.#client, path, Buffer.from(String(advanced(0n, count))))) return 1n
        continue
      }
      const last = parseCounter((found.data ?? '').toString())
      const data = Buffer.from(String(advanced(last, count)))
      try {
        await this.#client.call(SET_DATA, { path, data, version: found.stat.version })
        return last + 1n
      } catch (error) {
        if (!isCode(error, ERROR.badVersion, ERROR.noNode)) throw error
      }
    }
    throw tooContended()
  }
}
