/** The stock Layotto client for Node.js, unchanged. */
import { Client } from 'layotto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig } from './rig.ts'

const stores = new ScriptedStores()
let rig: GrpcRig
let client: Client

beforeAll(async () => {
  rig = await GrpcRig.start({
    kinds: stores.kinds,
    components: {
      configuration: { api: 'configuration', type: 'scripted' },
      locks: { api: 'lock', type: 'scripted' },
      numbers: { api: 'sequencer', type: 'scripted' },
    },
  })
  client = new Client(rig.port, '127.0.0.1')
})

afterAll(() => rig?.close())

it('says hello', async () => {
  expect(await client.hello.sayHello({ name: 'layotto' })).toBe('greeting, layotto')
})

it('reads, saves and deletes configuration', async () => {
  await client.configuration.save({
    storeName: 'configuration',
    appId: 'app',
    items: [{ key: 'k', content: 'v', group: '', label: '', tags: {}, metadata: {} }],
  })
  const get = () => client.configuration.get({ storeName: 'configuration', appId: 'app', keys: ['k'] })
  expect(await get()).toMatchObject([{ key: 'k', content: 'v' }])
  await client.configuration.delete({ storeName: 'configuration', appId: 'app', keys: ['k'] })
  expect(await get()).toEqual([])
})

it('takes locks, keeps them alive and gives them back', async () => {
  const mine = { storeName: 'locks', resourceId: 'r', lockOwner: 'me', expire: 60 }
  expect(await client.lock.tryLock(mine)).toBe(true)
  expect(await client.lock.tryLock({ ...mine, lockOwner: 'you' })).toBe(false)
  expect(await client.lock.unLock({ ...mine, lockOwner: 'you' })).toMatchObject({ status: 2 })
  expect(await client.lock.unLock(mine)).toMatchObject({ status: 0 })
})

it('counts', async () => {
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push(await client.sequencer.getNextId({ storeName: 'numbers', key: 'orders' }))
  expect(ids).toEqual(['1', '2', '3'])
})
