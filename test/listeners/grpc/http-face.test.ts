/** Dapr's HTTP API: the stock Dapr client with its default protocol, and what a plain client sees. */
import { DaprClient } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GrpcListener } from '../../../listeners/grpc/listener.ts'
import { componentKinds } from '../../../src/components/index.ts'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig } from './rig.ts'

const stores = new ScriptedStores()
let rig: GrpcRig
let client: DaprClient
let base: string

beforeAll(async () => {
  rig = await GrpcRig.start({
    kinds: [...stores.kinds, ...componentKinds],
    components: {
      configuration: { api: 'configuration', type: 'scripted' },
      locks: { api: 'lock', type: 'scripted' },
      secrets: { api: 'secrets', type: 'scripted' },
      pubsub: { api: 'pubsub', type: 'memory' },
    },
    listener: { http: '127.0.0.1:0' },
  })
  const address = (rig.app.generation.listeners.get('api')!.listener as GrpcListener).httpAddress!
  base = `http://${address}`
  client = new DaprClient({ daprHost: '127.0.0.1', daprPort: address.split(':')[1]! })
})

afterAll(async () => {
  await client?.stop()
  await rig?.close()
})

describe('the stock client', () => {
  it('takes locks and gives them back', async () => {
    expect(await client.lock.lock('locks', 'r', 'me', 60)).toMatchObject({ success: true })
    expect(await client.lock.lock('locks', 'r', 'you', 60)).toMatchObject({ success: false })
    expect(await client.lock.unlock('locks', 'r', 'you')).toMatchObject({ status: 2 })
    expect(await client.lock.unlock('locks', 'r', 'me')).toMatchObject({ status: 0 })
  })

  it('reads secrets', async () => {
    stores.secrets.secrets.set('a/b', { name: 'a/b', values: { user: 'u', password: 'p' }, version: '' })
    expect(await client.secret.get('secrets', 'a/b')).toEqual({ user: 'u', password: 'p' })
    expect(await client.secret.getBulk('secrets')).toEqual({ 'a/b': { user: 'u', password: 'p' } })
  })

  it('publishes, one by one and in bulk', async () => {
    expect((await client.pubsub.publish('pubsub', 'topic', { a: 1 })).error).toBeUndefined()
    expect((await client.pubsub.publishBulk('pubsub', 'topic', ['x', { y: 1 }])).failedMessages).toEqual([])
  })

  it('sees what is there', async () => {
    const { components } = await client.metadata.get()
    expect(components.map(({ name }) => name)).toEqual(['configuration', 'locks', 'secrets', 'pubsub'])
  })
})

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(base + path, init)
  return { status: response.status, body: await response.text() }
}

it.each(['/v1.0/healthz', '/v1.0/healthz/outbound'])('%s is 204', async path => {
  expect(await get(path)).toEqual({ status: 204, body: '' })
})

it('reads configuration', async () => {
  stores.configuration.sneak('k', 'v')
  const { status, body } = await get('/v1.0/configuration/configuration?key=k&key=absent')
  expect([status, JSON.parse(body)]).toMatchObject([200, { k: { value: 'v' } }])
})

it.each([
  ['/v1.0/state/store', {}, 501, 'state is not served here: state has trusted protocols'],
  ['/v1.0/nothing', {}, 404, 'there is nothing at /v1.0/nothing'],
  ['/v1.0/configuration/nobody', {}, 400, 'configuration store nobody not found'],
  ['/v1.0-alpha1/lock/locks', { method: 'POST', body: 'no json' }, 400, 'the body must be a JSON document'],
  ['/v1.0-alpha1/lock/locks', {}, 501, 'GET is not served'],
  ['/v1.0/secrets/secrets/absent', {}, 404, 'has no secret'],
  ['/v1.0/configuration/configuration?key=a&metadata.x=1', {}, 400, 'the metadata key \\"x\\"'],
  ['/v1.0/publish/pubsub/t', { method: 'POST', body: 'x'.repeat(5 * 1024 * 1024) }, 429, 'longer than 4194304 bytes'],
  ['/v1.0/secrets/secrets/%ff', {}, 400, 'the path is not valid UTF-8'],
])('%s is refused', async (path, init: RequestInit, status, text) => {
  const answer = await get(path, init)
  expect(answer).toEqual({ status, body: expect.stringContaining(text) })
})
