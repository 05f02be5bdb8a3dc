/** Who is served by the pool, and how often. */
import { expect, test } from 'vitest'
import { Pool, type Waiter } from '../../../src/backends/mysql/pool.ts'
import type { Upstream } from '../../../src/backends/mysql/upstream.ts'
import { ManualClock } from '../../support/manual-clock.ts'

test('of several who wait for a connection that has been idle for long, each is served once', async () => {
  const clock = new ManualClock()
  const calls = { open: () => {}, onShortage: () => {} }
  const limits = { max: 1, waitMs: 1000, idleMs: 60_000, maxWaiting: 10 }
  const pool = new Pool(calls as never, clock, limits as never)
  const upstream = {
    group: 'g',
    state: { key: '', get: () => undefined },
    facts: { member: { idle: 0 } },
    idleSince: 0,
    isExpired: () => false,
  }
  pool.release(upstream as unknown as Upstream)
  clock.advance(10_000)

  const served: string[] = []
  const waiter = (name: string): Waiter =>
    ({
      ...{ group: 'g', key: '', preferred: null, purpose: 'write' },
      onUpstream(given: Upstream) {
        served.push(name)
        pool.release(given)
      },
    }) as unknown as Waiter
  for (const name of ['a', 'b', 'c']) {
    const each = waiter(name)
    expect(pool.take(each)).toBeNull()
    pool.wait(each)
  }
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  expect(served).toEqual(['a', 'b', 'c'])
  expect(pool.idle).toBe(1)
})

test('one of another group is not passed over for ever by those who take turns', () => {
  const clock = new ManualClock()
  const opened: string[] = []
  const upstream = {
    group: 'a',
    facts: { member: { idle: 0 } },
    isExpired: () => false,
    destroy: () => pool.onClosed(upstream as never),
  }
  const calls = {
    open({ group }: Waiter, done: (upstream: unknown) => void) {
      opened.push(group)
      if (group === 'a') done(upstream)
    },
    onShortage: () => {},
  }
  const pool = new Pool(calls as never, clock, { max: 1, waitMs: 10_000, idleMs: 60_000, maxWaiting: 10 } as never)
  let turns = 0
  const wait = (group: string) =>
    pool.wait({ ...{ group, key: '', preferred: null, purpose: 'write' }, onUpstream: () => turns++ } as never)

  wait('a')
  wait('b')
  for (let turn = 0; turn < 5; turn++) {
    wait('a')
    clock.advance(10)
    pool.release(upstream as never)
  }
  expect({ turns, opened }).toEqual({ turns: 6, opened: ['a'] })
  wait('a')
  clock.advance(100)
  pool.release(upstream as never)
  expect({ turns, opened }).toEqual({ turns: 6, opened: ['a', 'b'] })
})
