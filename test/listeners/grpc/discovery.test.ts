/** Discovery, negotiation, and the manifest that decides about starts and reloads. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig } from './rig.ts'

const kinds = new ScriptedStores().kinds
const components = {
  'lock-store': { api: 'lock', type: 'scripted' },
  configuration: { api: 'configuration', type: 'scripted' },
} as const
const requires = [{ name: 'orders', api: 'lock', must: ['lock.renew'], prefer: ['lock.linearizable'] }]

let rig: GrpcRig

beforeEach(async () => {
  rig = await GrpcRig.start({ kinds, components, requires })
})

afterEach(() => rig.close())

it('tells what is there', async () => {
  const answer = await rig.call('portolan.v1.Discovery', 'Discover', { api: 'lock' })
  expect(answer).toMatchObject({
    apis: [{ name: 'lock', features: expect.arrayContaining([{ id: 'lock.fencing', meaning: expect.any(String) }]) }],
    components: [{ name: 'lock-store', type: 'scripted', features: expect.arrayContaining(['lock.renew']) }],
  })
})

it('binds the names of the manifest', async () => {
  const request = { component: 'orders', resource: 'r', owner: 'o', lease_ms: 1_000 }
  expect(await rig.call('portolan.v1.Lock', 'Acquire', request)).toMatchObject({ acquired: true })
})

it('answers what would meet further needs', async () => {
  const wanted = [
    { name: 'a', api: 'lock', must: ['lock.fencing'] },
    { name: 'b', api: 'lock', must: ['lock.linearizable'] },
  ]
  const answer = await rig.call('portolan.v1.Discovery', 'Negotiate', { requires: wanted })
  expect(answer).toMatchObject({
    satisfied: false,
    matches: [
      { name: 'a', bound_to: 'lock-store' },
      { name: 'b', missing_must: ['lock.linearizable'] },
    ],
  })
})

describe('an unmet must', () => {
  const unmet = [
    { name: 'orders', api: 'lock', must: ['lock.linearizable'], prefer: [] },
    { name: 'ids', api: 'sequencer', must: [], prefer: [] },
  ]
  const problems = [
    'requires: orders requires lock.linearizable, which lock-store (scripted) does not have; no type has all of that',
    'requires: ids requires sequencer, and nothing of that kind is configured',
  ]

  it('refuses the start, with every reason', async () => {
    const start = GrpcRig.start({ kinds, components, requires: unmet })
    await expect(start).rejects.toMatchObject({ problems })
  })

  it('refuses the reload, and everything stays', async () => {
    expect(await rig.reload(components, { requires: unmet })).toMatchObject({ outcome: 'refused', errors: problems })
    expect((await rig.reload({ configuration: components.configuration })).outcome).toBe('refused')
    const request = { component: 'orders', resource: 'r2', owner: 'o', lease_ms: 1_000 }
    expect(await rig.call('portolan.v1.Lock', 'Acquire', request)).toMatchObject({ acquired: true })
  })
})
