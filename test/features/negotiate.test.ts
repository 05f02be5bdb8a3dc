/** Which offer meets a requirement, and what is said where none does. */
import { describe, expect, it } from 'vitest'
import { isMet, negotiate, type Offer, type Requirement } from '../../src/features/index.ts'

const offer = (name: string, features: readonly string[], more: Partial<Offer> = {}): Offer => ({
  name,
  api: 'lock',
  type: name,
  features: new Set(features),
  lacks: {},
  isProbed: true,
  ...more,
})
const requirement = (must: readonly string[], prefer: readonly string[] = [], name = 'orders'): Requirement => ({
  name,
  api: 'lock',
  must,
  prefer,
})
const types = (feature: string) => (feature === 'lock.nothing' ? [] : ['etcd', 'zookeeper'])

const redis = offer('redis', ['lock.try', 'lock.renew'])
const etcd = offer('etcd', ['lock.try', 'lock.renew', 'lock.fencing'])

function match(offers: readonly Offer[], ...args: Parameters<typeof requirement>) {
  return negotiate([requirement(...args)], offers, types)[0]!
}

describe('a requirement is met', () => {
  it('by the first that has every must', () => {
    expect(match([redis, etcd], ['lock.renew']).offer).toBe(redis)
    expect(match([redis, etcd], ['lock.fencing']).offer).toBe(etcd)
  })

  it('by the one that has most of the wishes', () => {
    expect(match([redis, etcd], ['lock.try'], ['lock.fencing']).offer).toBe(etcd)
  })

  it('by what bears its name, however good others are', () => {
    const named = offer('orders', ['lock.try'])
    const { offer: bound, missingPrefer } = match([etcd, named], ['lock.try'], ['lock.fencing'])
    expect([bound, missingPrefer]).toEqual([named, ['lock.fencing']])
  })

  it('by nothing of another API', () => {
    expect(match([offer('a', ['lock.try'], { api: 'sequencer' })], ['lock.try']).offer).toBeUndefined()
  })
})

describe('it says', () => {
  it.each([
    ['what was chosen', [etcd], ['lock.try'], [], 'orders is met by etcd (etcd)'],
    [
      'what is done without',
      [redis],
      ['lock.try'],
      ['lock.fencing'],
      'orders is met by redis (redis), without lock.fencing',
    ],
    [
      'that nothing was proved yet',
      [offer('away', ['lock.try'], { isProbed: false })],
      ['lock.try'],
      [],
      'orders is met by away (away), by what its type can do: its server has not answered yet',
    ],
    [
      'which types would do',
      [redis],
      ['lock.fencing'],
      [],
      'orders requires lock.fencing, which redis (redis) does not have; these types would do: etcd, zookeeper',
    ],
    [
      'that nothing can',
      [redis],
      ['lock.nothing'],
      [],
      'orders requires lock.nothing, which redis (redis) does not have; no type has all of that',
    ],
    [
      'that there is nothing',
      [],
      ['lock.try'],
      [],
      'orders requires lock, and nothing of that kind is configured; these types would do: etcd, zookeeper',
    ],
    [
      'why a server lacks it',
      [offer('old', [], { lacks: { 'lock.renew': 'it is version 1' } })],
      ['lock.renew'],
      [],
      'orders requires lock.renew (it is version 1), which old (old) does not have; these types would do: etcd, zookeeper',
    ],
  ])('%s', (_, offers, must, prefer, reason) => {
    expect(match(offers, must, prefer).reason).toBe(reason)
  })

  it('which other component would do', () => {
    const named = offer('orders', ['lock.try'])
    const found = match([named, etcd], ['lock.fencing'])
    expect(isMet(found)).toBe(false)
    expect(found.reason).toBe('orders requires lock.fencing, which orders (orders) does not have; etcd (etcd) would do')
  })
})
