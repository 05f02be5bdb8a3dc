/** The cases of locks. */
import { DaprClient } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { GrpcRig } from '../rig.ts'
import { clientOptions, PROTOCOLS, startRig } from './rig.ts'

const [SUCCESS, DOES_NOT_EXIST, BELONGS_TO_OTHERS] = [0, 1, 2]

let rig: GrpcRig

beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig?.close())

describe.each(PROTOCOLS)('over %s', (name, protocol) => {
  let client: DaprClient

  beforeAll(() => {
    client = new DaprClient(clientOptions(rig, protocol))
  })
  afterAll(() => client?.stop())

  const lock = async (resource: string, owner: string, seconds = 60) =>
    (await client.lock.lock('redislock', `${name}-${resource}`, owner, seconds)).success
  const unlock = async (resource: string, owner: string) =>
    (await client.lock.unlock('redislock', `${name}-${resource}`, owner)).status

  it('one is taken and given back', async () => {
    expect(await lock('a', 'owner1')).toBe(true)
    expect(await unlock('a', 'owner1')).toBe(SUCCESS)
  })

  it('one that nobody has cannot be given back', async () => {
    expect(await unlock('b', 'owner1')).toBe(DOES_NOT_EXIST)
  })

  it('one that another has cannot be taken', async () => {
    expect(await lock('c', 'owner1')).toBe(true)
    expect(await lock('c', 'owner2')).toBe(false)
  })

  it('one that another has cannot be given back', async () => {
    expect(await lock('d', 'owner1')).toBe(true)
    expect(await unlock('d', 'owner2')).toBe(BELONGS_TO_OTHERS)
  })

  it('others are not concerned', async () => {
    expect(await lock('e', 'owner1')).toBe(true)
    expect(await lock('f', 'owner2')).toBe(true)
  })

  it('one whose time is over can be taken', async () => {
    expect(await lock('g', 'owner1', 1)).toBe(true)
    expect(await lock('g', 'owner2')).toBe(false)
    await vi.waitFor(async () => expect(await lock('g', 'owner2')).toBe(true), { timeout: 10_000 })
  })
})
