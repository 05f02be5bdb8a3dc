/** The cases of a client: its start, health, metadata, secrets, the token. */
import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { GrpcRig } from '../rig.ts'
import { clientOptions, PROTOCOLS, SECRETS, startRig } from './rig.ts'

vi.stubEnv(`${SECRETS}1`, 'one')
vi.stubEnv(`${SECRETS}2`, 'two')

let rig: GrpcRig

beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig?.close())

describe.each(PROTOCOLS)('over %s', (_, protocol) => {
  let client: DaprClient

  beforeAll(() => {
    client = new DaprClient(clientOptions(rig, protocol))
  })
  afterAll(() => client?.stop())

  it('it is initialized once the sidecar is there', async () => {
    await client.daprClient.getClient()
    expect(client.getIsInitialized()).toBe(true)
  })

  it('the sidecar is healthy', async () => {
    expect(await client.health.isHealthy()).toBe(true)
  })

  it('metadata tell the application and the components, with their features as capabilities', async () => {
    const { id, components } = await client.metadata.get()
    expect(id).toBe('app')
    expect(components.map(({ name }) => name)).toEqual(['config-redis', 'redislock', 'secret-envvars', 'pubsub-redis'])
    expect(components.find(({ name }) => name === 'redislock')?.capabilities).toContain('lock.fencing')
  })

  it('metadata keep a value of the application', async () => {
    await client.metadata.set('testKey', 'Hello World')
    expect((await client.metadata.get()).extended).toMatchObject({ testKey: 'Hello World' })
  })

  it('a secret is fetched by its name', async () => {
    expect(await client.secret.get('secret-envvars', '1')).toEqual({ 1: 'one' })
  })

  it('secrets are fetched in bulk', async () => {
    expect(await client.secret.getBulk('secret-envvars')).toEqual({ 1: { 1: 'one' }, 2: { 2: 'two' } })
  })
})

describe('a sidecar with a token', () => {
  let guarded: GrpcRig

  beforeAll(async () => {
    vi.stubEnv('CASES_TOKEN', 'right')
    guarded = await startRig({ token: { env: 'CASES_TOKEN' } })
  })
  afterAll(() => guarded?.close())

  const metadata = async (protocol: CommunicationProtocolEnum, daprApiToken: string) => {
    const client = new DaprClient({ ...clientOptions(guarded, protocol), daprApiToken })
    try {
      return await client.metadata.get()
    } finally {
      await client.stop()
    }
  }

  it('answers who shows it', async () => {
    expect((await metadata(CommunicationProtocolEnum.GRPC, 'right')).id).toBe('app')
    expect((await metadata(CommunicationProtocolEnum.HTTP, 'right')).id).toBe('app')
  })
})

it('proxies are not made: the client itself has none', async () => {
  const client = new DaprClient(clientOptions(rig, CommunicationProtocolEnum.GRPC))
  await expect(client.proxy.create(class {} as never)).rejects.toThrow('not supported with the ConnectRPC transport')
  await client.stop()
})
