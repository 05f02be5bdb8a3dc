/** The stock Layotto client for Node.js, unchanged. */
import { status } from '@grpc/grpc-js'
import { Client } from 'layotto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appsInvoke } from '../../../src/components/invoke/apps.ts'
import { memoryPubSub } from '../../../src/components/pubsub/memory.ts'
import { type EchoApp, startGrpcEcho, startHttpEcho } from '../../support/echo-apps.ts'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig, reader } from './rig.ts'

const RUNTIME = 'spec.proto.runtime.v1.Runtime'
const PATCH = 9

const stores = new ScriptedStores()
let rig: GrpcRig
let client: Client
let web: EchoApp
let rpc: EchoApp

beforeAll(async () => {
  web = await startHttpEcho()
  rpc = await startGrpcEcho()
  const apps = {
    web: { address: web.address, protocol: 'http' },
    rpc: { address: rpc.address, protocol: 'grpc' },
  }
  rig = await GrpcRig.start({
    kinds: [...stores.kinds, appsInvoke, memoryPubSub],
    components: {
      configuration: { api: 'configuration', type: 'scripted' },
      locks: { api: 'lock', type: 'scripted' },
      numbers: { api: 'sequencer', type: 'scripted' },
      messages: { api: 'pubsub', type: 'memory', options: { retryAfter: '10ms' } },
      apps: { api: 'invoke', type: 'apps', options: { apps } },
    },
  })
  client = new Client(rig.port, '127.0.0.1')
})

afterAll(async () => {
  await rig?.close()
  await Promise.all([web?.close(), rpc?.close()])
})

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

describe('InvokeService', () => {
  it('requests a path of an application over HTTP, by default with GET', async () => {
    // The application answers with the type and the body that it was sent.
    const text = await client.invoker.invoke({ id: 'web', method: 'status/200', data: 'hello' })
    expect(text).toEqual({ contentType: 'text/plain', content: 'hello' })
    const json = await client.invoker.invoke({ id: 'web', method: '/status/200', data: { a: 1 }, httpVerb: PATCH })
    expect(json).toEqual({ contentType: 'application/json', content: { a: 1 } })
    expect(web.seen).toMatchObject([{ verb: 'GET' }, { verb: 'PATCH' }])
  })

  it('hands on what the caller sends along, and nothing that is meant for the sidecar', async () => {
    const requestMeta = { 'x-tried': 'yes', 'dapr-api-token': 'secret' }
    await client.invoker.invoke({ id: 'web', method: 'status/200', data: '', requestMeta })
    const { headers } = web.seen.at(-1)!
    expect(headers).toMatchObject({ 'x-tried': 'yes' })
    for (const own of ['dapr-api-token', 'grpc-accept-encoding', 'te']) expect(headers).not.toHaveProperty(own)
    expect(String(headers['user-agent'])).not.toMatch(/grpc/)
  })

  it('calls OnInvoke of an application that speaks gRPC', async () => {
    const { contentType, content } = await client.invoker.invoke({ id: 'rpc', method: 'anything' })
    expect([contentType, Buffer.from(content as Uint8Array).toString()]).toEqual(['text/x', 'invoked'])
  })

  it.each([
    ['web', 'status/404', status.NOT_FOUND],
    ['web', 'status/503', status.UNAVAILABLE],
    ['other', 'x', status.NOT_FOUND],
  ])('of %s %s is an error', async (id, method, code) => {
    await expect(client.invoker.invoke({ id, method })).rejects.toMatchObject({ code })
  })
})

it('publishes, and a stream of SubscribeTopicEvents gets it until it is settled', async () => {
  const stream = rig.both(RUNTIME, 'SubscribeTopicEvents')
  const next = reader(stream)
  stream.write({ initial_request: { pubsub_name: 'messages', topic: 'orders' } })
  expect(await next()).toMatchObject({ initial_response: {} })
  await client.pubsub.publish({ pubsubName: 'messages', topic: 'orders', data: { a: 1 } })
  const event = async () => (await next())['event_message'] as Record<string, unknown> & { id: string; data: Buffer }
  const first = await event()
  expect(first).toMatchObject({ pubsub_name: 'messages', topic: 'orders', data_content_type: 'application/json' })
  expect(JSON.parse(String(first.data))).toEqual({ a: 1 })
  stream.write({ event_processed: { id: first.id, status: { status: 1 } } })
  const again = await event()
  expect(again.id).toBe(first.id)
  stream.write({ event_processed: { id: again.id, status: { status: 0 } } })
  stream.end()
})

it.each([
  ['lock', () => client.lock.tryLock({ storeName: 'x', resourceId: 'r', lockOwner: 'me', expire: 60 })],
  ['sequencer', () => client.sequencer.getNextId({ storeName: 'x', key: 'k' })],
  ['configuration', () => client.configuration.get({ storeName: 'x', appId: 'app', keys: ['k'] })],
  ['pub/sub', () => client.pubsub.publish({ pubsubName: 'x', topic: 't', data: {} })],
] as const)('a %s component that is not there is an invalid argument, as Layotto says', async (_, call) => {
  await expect(call()).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('x') })
})

it('keeps alive a lock that is held', async () => {
  const mine = { store_name: 'locks', resource_id: 'kept', lock_owner: 'me', expire: 60 }
  const keepAlive = (owner: string) => rig.call(RUNTIME, 'LockKeepAlive', { ...mine, lock_owner: owner })
  expect(await keepAlive('me')).toMatchObject({ status: 1 })
  await rig.call(RUNTIME, 'TryLock', mine)
  expect(await keepAlive('me')).toMatchObject({ status: 0 })
  expect(await keepAlive('you')).toMatchObject({ status: 2 })
})
