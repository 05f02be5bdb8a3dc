/** The cases of what is not served: each answer tells where to go instead. */
import { CommunicationProtocolEnum, DaprClient } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GrpcRig } from '../rig.ts'
import { clientOptions, PROTOCOLS, startRig } from './rig.ts'

const LISTENERS = 'point a Redis or MySQL client at the redis or mysql listener'

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

  it('state', async () => {
    await expect(client.state.get('state-redis', 'key')).rejects.toThrow(LISTENERS)
    await expect(client.state.getBulk('state-redis', ['key'])).rejects.toThrow(LISTENERS)
    await expect(client.state.query('state-redis', {} as never)).rejects.toThrow(LISTENERS)
  })

  it('bindings', async () => {
    await expect(client.binding.send('binding-redis', 'create', {})).rejects.toThrow('bindings are not served')
  })
})

it('cryptography, though its calls are streams of the caller', async () => {
  const client = new DaprClient(clientOptions(rig, CommunicationProtocolEnum.GRPC))
  const options = { componentName: 'crypto-local', keyName: 'symmetric256', keyWrapAlgorithm: 'A256KW' } as const
  // More than fits into one message of a stream.
  const data = Buffer.alloc(100_000)
  await expect(client.crypto.encrypt(data, options)).rejects.toThrow('cryptography is not served')
  await expect(client.crypto.decrypt(data, options)).rejects.toThrow('cryptography is not served')
  await client.stop()
})
