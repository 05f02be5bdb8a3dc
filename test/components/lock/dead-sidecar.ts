/** What must hold of a lock whose sidecar stands still, and of one whose holder slept too long: for each kind of lock. */
import { expect, test } from 'vitest'
import type { LockStore } from '../../../src/apis/index.ts'
import type { Clock } from '../../../src/protocol.ts'
import { ManualClock } from '../../support/manual-clock.ts'

export function deadSidecarTests(open: (clock?: Clock) => Promise<LockStore>, leaseMs: number): void {
  test('the lock of a sidecar that stands still is free when its lease is over, and its holder learns that it is lost', async () => {
    // Its own timers never fire, as if it were stopped; what it holds must end without it.
    const [asleep, other] = [await open(new ManualClock()), await open()]
    const resource = `asleep-${leaseMs}`
    const began = performance.now()
    const first = await asleep.tryLock({ resource, owner: 'a', leaseMs })
    const request = { resource, owner: 'b', leaseMs: 60_000 }
    expect(await other.tryLock(request)).toBeUndefined()
    const abort = new AbortController()
    let second: Awaited<ReturnType<LockStore['tryLock']>>
    while (!(second = await other.tryLock(request))) await other.whenFree!(resource, abort.signal)
    expect(performance.now() - began).toBeGreaterThan(leaseMs * 0.95)
    expect(second.token).toBeGreaterThan(first!.token!)
    expect(await asleep.renew!({ resource, owner: 'a', leaseMs })).toBe('others')
    expect(await asleep.unlock({ resource, owner: 'a' })).toBe('others')
    expect(await other.holder!(resource)).toMatchObject({ owner: 'b', token: second.token })
    await Promise.all([asleep.close(), other.close()])
  })

  test('a counter that asks for the token is never overwritten by a holder that slept', async () => {
    const stores = [await open(), await open(), await open()]
    const resource = `counter-${leaseMs}`
    const signal = new AbortController().signal
    const counter = { value: 0, token: 0n, refused: 0 }
    let done = 0
    /** As a store of data does that checks tokens. */
    const write = (value: number, token: bigint): boolean => {
      if (token < counter.token) {
        counter.refused++
        return false
      }
      counter.token = token
      counter.value = value
      return true
    }
    const increment = async (store: LockStore, owner: string, sleeps: boolean): Promise<void> => {
      let grant: Awaited<ReturnType<LockStore['tryLock']>>
      while (!(grant = await store.tryLock({ resource, owner, leaseMs: sleeps ? leaseMs : 60_000 })))
        await store.whenFree!(resource, signal)
      const { value } = counter
      // Until somebody else holds the lock, and has written.
      if (sleeps) while (counter.token <= grant.token!) await new Promise(resolve => setTimeout(resolve, 5))
      if (write(value + 1, grant.token!)) done++
      await store.unlock({ resource, owner })
    }
    const sleeper = increment(stores[0]!, 'sleeper', true)
    for (let round = 0; round < 5; round++) {
      await Promise.all(stores.map((store, i) => increment(store, `owner-${i}-${round}`, false)))
    }
    await sleeper
    expect(counter).toMatchObject({ value: 15, refused: 1 })
    expect(done).toBe(15)
    await Promise.all(stores.map(store => store.close()))
  })
}
