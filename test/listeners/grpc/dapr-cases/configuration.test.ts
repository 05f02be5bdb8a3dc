/** The cases of configuration: reading, and subscriptions by stream. */
import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { GrpcRig } from '../rig.ts'
import { clientOptions, startRig } from './rig.ts'

const STORE = 'config-redis'
const KEYS = ['myconfigkey1', 'myconfigkey2', 'myconfigkey3']

let rig: GrpcRig
let client: DaprClient

beforeAll(async () => {
  rig = await startRig()
  client = new DaprClient(clientOptions(rig, CommunicationProtocolEnum.GRPC))
})
afterAll(async () => {
  await client?.stop()
  await rig?.close()
})
beforeEach(() => write(Object.fromEntries(KEYS.map(key => [key, 'initial']))))

/** As another client, behind the back of the one that is looked at. */
async function write(values: Readonly<Record<string, string>>): Promise<void> {
  await rig.call('spec.proto.runtime.v1.Runtime', 'SaveConfiguration', {
    store_name: STORE,
    app_id: 'other',
    items: Object.entries(values).map(([key, content]) => ({ key, content })),
  })
}

/** What a subscription was told, in order, from when it is known to be there. */
function listener() {
  const told: Record<string, string>[] = []
  let probes = 0
  return {
    told,
    onEvent: async ({ items }: { items: Record<string, { value: string }> }) => {
      told.push(Object.fromEntries(Object.entries(items).map(([key, { value }]) => [key, value])))
    },
    tells: (expected: object[]) => vi.waitFor(() => expect(told).toEqual(expected)),
    /** The client does not wait for its stream: what is written before there is one is told nobody. */
    async ready(key: string) {
      await vi.waitFor(async () => {
        await write({ [key]: `probe-${++probes}` })
        expect(told).not.toEqual([])
      })
      await vi.waitFor(() => expect(told.at(-1)).toEqual({ [key]: `probe-${probes}` }))
      told.length = 0
    },
  }
}

it('items are read by their keys', async () => {
  const { items } = await client.configuration.get(STORE, KEYS)
  expect(Object.keys(items).sort()).toEqual(KEYS)
  for (const { value } of Object.values(items)) expect(value).toBe('initial')
})

it('a subscription without keys is to all', async () => {
  const { onEvent, tells, ready } = listener()
  const stream = await client.configuration.subscribe(STORE, onEvent)
  await ready('myconfigkey1')
  await write({ myconfigkey3: 'changed' })
  await tells([{ myconfigkey3: 'changed' }])
  await stream.stop()
})

it('a subscription with keys is to those', async () => {
  const { onEvent, tells, ready } = listener()
  const stream = await client.configuration.subscribeWithKeys(STORE, KEYS.slice(0, 2), onEvent)
  await ready('myconfigkey2')
  await write({ myconfigkey3: 'not told' })
  await write({ myconfigkey1: 'changed' })
  await tells([{ myconfigkey1: 'changed' }])
  await stream.stop()
})

it('a subscription that is stopped is told nothing more, while another goes on', async () => {
  const [stopped, going] = [listener(), listener()]
  const stream = await client.configuration.subscribeWithKeys(STORE, KEYS.slice(0, 1), stopped.onEvent)
  await stopped.ready('myconfigkey1')
  const other = await client.configuration.subscribeWithKeys(STORE, KEYS.slice(0, 1), going.onEvent)
  await going.ready('myconfigkey1')
  await write({ myconfigkey1: 'first' })
  await vi.waitFor(() => expect(stopped.told.at(-1)).toEqual({ myconfigkey1: 'first' }))
  await stream.stop()
  await write({ myconfigkey1: 'second' })
  await going.tells([{ myconfigkey1: 'first' }, { myconfigkey1: 'second' }])
  expect(stopped.told.at(-1)).toEqual({ myconfigkey1: 'first' })
  await other.stop()
})

it('several streams have the same key', async () => {
  const listeners = [listener(), listener()]
  const streams = await Promise.all(
    listeners.map(({ onEvent }) => client.configuration.subscribeWithKeys(STORE, KEYS.slice(0, 1), onEvent)),
  )
  for (const { ready } of listeners) await ready('myconfigkey1')
  await write({ myconfigkey1: 'changed' })
  for (const { told } of listeners) await vi.waitFor(() => expect(told.at(-1)).toEqual({ myconfigkey1: 'changed' }))
  for (const stream of streams) await stream.stop()
})

describe('otherwise than with Dapr', () => {
  it('metadata that nobody knows are an error, not passed over', async () => {
    await expect(client.configuration.get(STORE, KEYS, { hello: 'world' })).rejects.toThrow('hello')
  })
})
