/** portolan.v1 and what the sidecar adds to every store: outages, reloads, waits, holds, segments, missing features. */
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { messageCodec } from '../../../listeners/grpc/schema.ts'
import { ScriptedStores } from '../../support/scripted-stores.ts'
import { GrpcRig, reader } from './rig.ts'

const COMPONENTS = {
  configuration: { api: 'configuration', type: 'scripted' },
  locks: { api: 'lock', type: 'scripted' },
  numbers: { api: 'sequencer', type: 'scripted' },
} as const

let stores: ScriptedStores
let rig: GrpcRig

beforeEach(async () => {
  stores = new ScriptedStores()
  rig = await GrpcRig.start({ kinds: stores.kinds, components: COMPONENTS })
})

afterEach(() => rig.close())

describe('configuration', () => {
  const get = (selection: object, more = {}) =>
    rig.call('portolan.v1.Configuration', 'Get', { selection: { component: 'configuration', ...selection }, ...more })
  const watch = (selection: object) =>
    rig.stream('portolan.v1.Configuration', 'Watch', { selection: { component: 'configuration', ...selection } })
  const write = (changes: readonly object[]) =>
    rig.call('portolan.v1.Configuration', 'Write', { component: 'configuration', changes })

  it('serves the last values known while the store is away, and says so', async () => {
    stores.configuration.sneak('a', '1')
    await get({ keys: ['a', 'absent'] })
    stores.configuration.leave()
    expect(await get({ keys: ['a', 'absent'] })).toMatchObject({ items: [{ value: '1' }], stale: true })
    await expect(get({ keys: ['b'] })).rejects.toMatchObject({ code: status.UNAVAILABLE })
    stores.configuration.comeBack()
    expect((await get({ keys: ['a'] }))['stale']).toBe(false)
  })

  it('answers from a watch without asking the store', async () => {
    stores.configuration.sneak('a', '1')
    const fromSnapshot = () => get({ keys: ['a'] }, { from_snapshot: true })
    await fromSnapshot()
    const { calls } = stores.configuration
    for (let i = 0; i < 10; i++) expect(await fromSnapshot()).toMatchObject({ items: [{ value: '1' }] })
    expect(stores.configuration.calls).toBe(calls)
  })

  it('tells what changed during an outage once, and nothing that did not change', async () => {
    for (const key of ['a', 'b', 'c']) stores.configuration.sneak(key, '1')
    const next = reader(watch({ keys: ['a', 'b', 'c', 'd'] }))
    expect((await next())['items']).toHaveLength(3)
    stores.configuration.leave()
    expect(await next()).toMatchObject({ stale: true })
    stores.configuration.sneak('a', '2')
    stores.configuration.sneak('d', '1')
    stores.configuration.items.delete('b')
    stores.configuration.comeBack()
    expect(await next()).toMatchObject({ stale: false })
    expect(await next()).toMatchObject({
      items: [{ key: { key: 'a' }, value: '2' }, { key: { key: 'd' } }],
      gone: [{ key: 'b' }],
    })
    await write([{ key: { key: 'c' }, value: '2' }])
    expect(await next()).toMatchObject({ items: [{ key: { key: 'c' }, value: '2' }] })
  })

  it('moves watches to the component that a reload puts in the place of the old one', async () => {
    stores.configuration.sneak('a', '1')
    const next = reader(watch({ keys: ['a'] }))
    await next()
    const old = stores.configuration
    const others = new ScriptedStores()
    others.configuration.sneak('z', '0')
    others.configuration.sneak('a', '2')
    Object.assign(stores, { configuration: others.configuration })
    const configuration = { ...COMPONENTS.configuration, options: { edition: 2 } }
    expect((await rig.reload({ ...COMPONENTS, configuration })).outcome).toBe('applied')
    expect(await next()).toMatchObject({ items: [{ value: '2' }], gone: [] })
    expect(old.observers.size).toBe(0)
  })

  it('ends watches of a component that a reload takes away', async () => {
    const next = reader(watch({ keys: ['a'] }))
    await next()
    await rig.reload({ locks: COMPONENTS.locks })
    await expect(next()).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  it('writes under a condition', async () => {
    const answer = await write([{ key: { key: 'a' }, value: '1', expected_version: '' }])
    const [version] = answer['versions'] as string[]
    await expect(write([{ key: { key: 'a' }, value: '2', expected_version: '' }])).rejects.toMatchObject({
      code: status.ABORTED,
    })
    await write([{ key: { key: 'a' }, value: '2', expected_version: version }])
    await write([{ key: { key: 'a' } }])
    expect((await get({ keys: ['a'] }))['items']).toEqual([])
  })

  it('says what a component lacks, and who has it', async () => {
    const error = await get({ prefix: 'a' }).catch(failure => failure)
    expect(error).toMatchObject({ code: status.FAILED_PRECONDITION })
    expect(error.details).toContain('component configuration lacks configuration.prefix')
    const [bytes] = error.metadata.get('grpc-status-details-bin')
    const { details } = messageCodec('google.rpc.Status').decode(bytes) as { details: readonly { value: Buffer }[] }
    expect(messageCodec('google.rpc.ErrorInfo').decode(details[0]!.value)).toMatchObject({
      reason: 'FEATURE_MISSING',
      metadata: { feature: 'configuration.prefix', component: 'configuration' },
    })
  })

  it('names the component that was probably meant', async () => {
    const selection = { component: 'configuratoin', keys: ['a'] }
    const error = await rig.call('portolan.v1.Configuration', 'Get', { selection }).catch(failure => failure)
    expect(error).toMatchObject({
      code: status.NOT_FOUND,
      details: expect.stringContaining('did you mean configuration?'),
    })
  })
})

describe('locks', () => {
  const request = (owner: string, more = {}) => ({
    component: 'locks',
    resource: 'r',
    owner,
    lease_ms: 60_000,
    ...more,
  })
  const lock = (method: string, message: object) => rig.call('portolan.v1.Lock', method, message)

  it('can be waited for', async () => {
    const first = await lock('Acquire', request('a'))
    const waiting = lock('Acquire', request('b', { wait_ms: 5_000 }))
    await vi.waitFor(() => expect(stores.lock.calls).toBeGreaterThan(3))
    await lock('Release', request('a'))
    const second = await waiting
    expect(second).toMatchObject({ acquired: true })
    expect(Number(second['token'])).toBeGreaterThan(Number(first['token']))
    expect(await lock('Acquire', request('c', { wait_ms: 10 }))).toMatchObject({ acquired: false })
  })

  it('are not taken for a waiter who has gone', async () => {
    await lock('Acquire', request('a'))
    const stream = rig.stream('portolan.v1.Lock', 'Hold', request('b', { wait_ms: 60_000 }))
    await vi.waitFor(() => expect(stores.lock.calls).toBeGreaterThan(2))
    stream.cancel()
    await lock('Release', request('a'))
    await lock('Acquire', request('c'))
    expect(stores.lock.holders.get('r')).toMatchObject({ owner: 'c' })
  })

  it('are held as long as the stream is open, and their loss is told', async () => {
    const stream = rig.stream('portolan.v1.Lock', 'Hold', request('a', { lease_ms: 300 }))
    const next = reader(stream)
    expect(await next()).toMatchObject({ state: 1 })
    const { calls } = stores.lock
    await vi.waitFor(() => expect(stores.lock.calls).toBeGreaterThan(calls + 1), { timeout: 5_000 })
    stores.lock.holders.set('r', { owner: 'thief' })
    expect(await next()).toMatchObject({ state: 2 })
  })

  it('count as lost when the lease is over and the store does not answer', async () => {
    const next = reader(rig.stream('portolan.v1.Lock', 'Hold', request('a', { lease_ms: 300 })))
    await next()
    stores.lock.isAway = true
    expect(await next()).toMatchObject({ state: 2 })
  })

  it('are given back when the stream ends', async () => {
    const stream = rig.stream('portolan.v1.Lock', 'Hold', request('a'))
    await reader(stream)()
    stream.cancel()
    await vi.waitFor(() => expect(stores.lock.holders.size).toBe(0))
  })

  it.each([
    ['resource', { resource: '' }],
    ['owner', { owner: '' }],
    ['lease', { lease_ms: 0 }],
  ])('need a %s', async (_, more) => {
    await expect(lock('Acquire', request('a', more))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })
})

describe('sequences', () => {
  const next = async (message: object) => {
    const { first } = (await rig.call('portolan.v1.Sequencer', 'Next', {
      component: 'numbers',
      key: 'k',
      ...message,
    })) as {
      first: { toNumber(): number }
    }
    return first.toNumber()
  }

  it('come out of a segment, none twice and in order', async () => {
    const given: number[] = []
    for (let i = 0; i < 25; i++) given.push(...(await Promise.all(Array.from({ length: 100 }, () => next({})))))
    expect(new Set(given).size).toBe(2_500)
    expect(given).toEqual([...given].sort((a, b) => a - b))
    expect(stores.sequencer.calls).toBeLessThan(10)
  })

  it('ask the store for each number when they must be strong', async () => {
    await next({})
    const { calls } = stores.sequencer
    await next({ order: 1 })
    await next({ order: 1 })
    expect(stores.sequencer.calls).toBe(calls + 2)
  })

  it('give several in a row', async () => {
    const many = await Promise.all(Array.from({ length: 300 }, (_, i) => next({ count: (i % 400) + 1 })))
    const taken = new Set<number>()
    many.forEach((first, i) => {
      for (let at = first; at <= first + (i % 400); at++) {
        expect(taken.has(at)).toBe(false)
        taken.add(at)
      }
    })
  })

  it('tell that the store is away, and go on when it is back', async () => {
    stores.sequencer.isAway = true
    await expect(next({ key: 'other' })).rejects.toMatchObject({ code: status.UNAVAILABLE })
    stores.sequencer.isAway = false
    expect(await next({ key: 'other' })).toBe(1)
  })
})
