/** The stock Dapr client for Node.js, unchanged. */
import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig } from './rig.ts'

const stores = new ScriptedStores()
let rig: GrpcRig
let client: DaprClient

beforeAll(async () => {
  rig = await GrpcRig.start({
    kinds: stores.kinds,
    components: {
      configuration: { api: 'configuration', type: 'scripted' },
      locks: { api: 'lock', type: 'scripted' },
      secrets: { api: 'secrets', type: 'scripted' },
    },
  })
  client = new DaprClient({
    daprHost: '127.0.0.1',
    daprPort: rig.port,
    communicationProtocol: CommunicationProtocolEnum.GRPC,
  })
})

afterAll(async () => {
  await client?.stop()
  await rig?.close()
})

describe('configuration', () => {
  it('is read, some of it and all of it', async () => {
    stores.configuration.sneak('a', '1')
    stores.configuration.sneak('b', '2')
    expect((await client.configuration.get('configuration', ['a'])).items).toMatchObject({ a: { value: '1' } })
    expect(Object.keys((await client.configuration.get('configuration', [])).items)).toEqual(['a', 'b'])
  })

  it('tells changes of the keys that were named, until it is stopped', async () => {
    const told = vi.fn(async () => {})
    const stream = await client.configuration.subscribeWithKeys('configuration', ['watched'], told)
    await vi.waitFor(() => expect(stores.configuration.observers.size).toBeGreaterThan(0))
    await stores.configuration.write([{ key: 'other', group: '', label: '', value: 'x' }])
    await stores.configuration.write([{ key: 'watched', group: '', label: '', value: 'y' }])
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1))
    expect(told).toHaveBeenCalledWith(
      expect.objectContaining({ items: { watched: expect.objectContaining({ value: 'y' }) } }),
    )
    await stream.stop()
  })
})

describe('locks', () => {
  it('are taken once, and given back by their owner only', async () => {
    const lock = (owner: string) => client.lock.lock('locks', 'resource', owner, 60)
    const unlock = async (owner: string) => (await client.lock.unlock('locks', 'resource', owner)).status
    expect(await lock('me')).toMatchObject({ success: true })
    expect(await lock('you')).toMatchObject({ success: false })
    expect(stores.lock.holders.has('lock||app||resource')).toBe(true)
    expect(await unlock('you')).toBe(2)
    expect(await unlock('me')).toBe(0)
    expect(await unlock('me')).toBe(1)
  })

  it('have Dapr’s own errors', async () => {
    await expect(client.lock.lock('nowhere', 'resource', 'me', 60)).rejects.toThrow('lock store nowhere not found')
  })
})

it('reads secrets', async () => {
  stores.secrets.secrets.set('db', { name: 'db', values: { user: 'u', password: 'p' }, version: '1' })
  // The client takes the first value only.
  expect(await client.secret.get('secrets', 'db')).toEqual({ user: 'u' })
  expect(await client.secret.getBulk('secrets')).toEqual({ db: { user: 'u', password: 'p' } })
})

it('tells what is there, with the features of each component', async () => {
  const { components } = await client.metadata.get()
  expect(components.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'configuration configuration.scripted',
    'locks lock.scripted',
    'secrets secretstores.scripted',
  ])
})
