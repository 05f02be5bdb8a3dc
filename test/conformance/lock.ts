/** The conformance suite of the lock API. */
import { expect } from 'vitest'
import type { LockGrant, LockStore } from '../../src/apis/index.ts'
import { type Case, expectRefusal, ODD_NAMES, passing, register, type Subject } from './suite.ts'

export interface LockSubject extends Subject<'lock'> {
  /** The shortest lease that the store keeps, 1 s unless said. */
  readonly leaseMs?: number
}

export function lockConformance(subject: LockSubject): void {
  register('lock', lockCases, subject)
}

const LONG_MS = 60_000

function leaseOf(subject: LockSubject): number {
  return subject.leaseMs ?? 1_000
}

function grantOf(grant: LockGrant | undefined): LockGrant {
  if (!grant) throw new Error('the lock was not granted')
  return grant
}

export const lockCases: readonly Case<'lock', LockSubject>[] = [
  {
    title: 'a free lock is granted, a held one to nobody, its holder included',
    needs: ['lock.try'],
    async run(bench) {
      const other = await bench.open()
      const resource = bench.name('held')
      const request = { resource, owner: 'a', leaseMs: LONG_MS }
      grantOf(await bench.store.tryLock(request))
      expect(await bench.store.tryLock(request)).toBeUndefined()
      expect(await bench.store.tryLock({ ...request, owner: 'b' })).toBeUndefined()
      expect(await other.tryLock({ ...request, owner: 'b' })).toBeUndefined()
      grantOf(await other.tryLock({ ...request, resource: bench.name('free') }))
    },
  },
  {
    title: 'a lock is given back by its owner only, through whichever store',
    needs: ['lock.try'],
    async run(bench) {
      const other = await bench.open()
      const resource = bench.name('given-back')
      expect(await bench.store.unlock({ resource, owner: 'a' })).toBe('absent')
      grantOf(await bench.store.tryLock({ resource, owner: 'a', leaseMs: LONG_MS }))
      expect(await bench.store.unlock({ resource, owner: 'b' })).toBe('others')
      expect(await other.unlock({ resource, owner: 'b' })).toBe('others')
      expect(await other.tryLock({ resource, owner: 'b', leaseMs: LONG_MS })).toBeUndefined()
      expect(await other.unlock({ resource, owner: 'a' })).toBe('released')
      expect(await bench.store.unlock({ resource, owner: 'a' })).toBe('absent')
      grantOf(await bench.store.tryLock({ resource, owner: 'b', leaseMs: LONG_MS }))
    },
  },
  {
    title: 'a lease runs out, and not before its time',
    needs: ['lock.try'],
    async run(bench) {
      const other = await bench.open()
      const resource = bench.name('lease')
      const leaseMs = leaseOf(bench.subject)
      const began = performance.now()
      grantOf(await bench.store.tryLock({ resource, owner: 'a', leaseMs }))
      const request = { resource, owner: 'b', leaseMs: LONG_MS }
      await bench.eventually('the lease ran out', () => other.tryLock(request))
      // Two clocks may differ in their speed a little.
      expect(performance.now() - began).toBeGreaterThan(leaseMs * 0.95)
      expect(await bench.store.unlock({ resource, owner: 'a' })).toBe('others')
      expect(await bench.store.unlock({ resource, owner: 'b' })).toBe('released')
    },
  },
  {
    title: 'a lock whose lease ran out is absent for its holder',
    needs: ['lock.try'],
    async run(bench) {
      const resource = bench.name('ran-out')
      grantOf(await bench.store.tryLock({ resource, owner: 'a', leaseMs: leaseOf(bench.subject) }))
      await passing(leaseOf(bench.subject) * 1.1)
      const { store } = bench
      // Some stores clear away now and then; the lock is not free, and not given back either, before they have.
      await bench.eventually('the lease ran out', () => store.tryLock({ resource, owner: 'b', leaseMs: LONG_MS }))
      expect(await store.unlock({ resource, owner: 'b' })).toBe('released')
      expect(await store.unlock({ resource, owner: 'a' })).toBe('absent')
    },
  },
  {
    title: 'of many who ask at a time one is granted the lock',
    needs: ['lock.try'],
    async run(bench) {
      const stores = [bench.store, await bench.open(), await bench.open()]
      for (let round = 0; round < 5; round++) {
        const resource = bench.name('race')
        const grants = await Promise.all(
          Array.from({ length: 12 }, (_, i) =>
            stores[i % 3]!.tryLock({ resource, owner: `owner-${i}`, leaseMs: LONG_MS }),
          ),
        )
        expect(grants.filter(grant => grant !== undefined)).toHaveLength(1)
        const winner = grants.findIndex(grant => grant !== undefined)
        expect(await bench.store.unlock({ resource, owner: `owner-${winner}` })).toBe('released')
      }
    },
  },
  {
    title: 'odd names of resources and owners are kept apart',
    needs: ['lock.try'],
    async run(bench) {
      const base = bench.name('odd')
      for (const odd of ODD_NAMES) {
        const request = { resource: `${base}${odd}`, owner: odd, leaseMs: LONG_MS }
        expect(await bench.store.tryLock(request), odd).toBeDefined()
        expect(await bench.store.tryLock({ ...request, owner: 'other' }), odd).toBeUndefined()
      }
      for (const odd of ODD_NAMES) {
        const resource = `${base}${odd}`
        expect(await bench.store.unlock({ resource, owner: `${odd}x` }), odd).toBe('others')
        expect(await bench.store.unlock({ resource, owner: odd }), odd).toBe('released')
      }
    },
  },
  {
    title: 'a renewed lease lasts from then on',
    needs: ['lock.renew'],
    async run(bench) {
      const resource = bench.name('renewed')
      const leaseMs = leaseOf(bench.subject)
      const other = await bench.open()
      grantOf(await bench.store.tryLock({ resource, owner: 'a', leaseMs }))
      expect(await bench.store.renew!({ resource, owner: 'a', leaseMs: LONG_MS })).toBe('renewed')
      await passing(leaseMs * 1.5)
      expect(await other.tryLock({ resource, owner: 'b', leaseMs })).toBeUndefined()
      // A renewal sets the lease; it does not add to it.
      const began = performance.now()
      expect(await bench.store.renew!({ resource, owner: 'a', leaseMs })).toBe('renewed')
      await bench.eventually('the renewed lease ran out', () =>
        other.tryLock({ resource, owner: 'b', leaseMs: LONG_MS }),
      )
      expect(performance.now() - began).toBeGreaterThan(leaseMs * 0.95)
    },
  },
  {
    title: 'what is not held cannot be renewed',
    needs: ['lock.renew'],
    async run(bench) {
      const resource = bench.name('not-held')
      const request = { resource, owner: 'a', leaseMs: LONG_MS }
      expect(await bench.store.renew!(request)).toBe('absent')
      grantOf(await bench.store.tryLock({ ...request, owner: 'b' }))
      expect(await bench.store.renew!(request)).toBe('others')
      expect(await bench.store.unlock({ resource, owner: 'b' })).toBe('released')
      expect(await bench.store.renew!({ ...request, owner: 'b' })).toBe('absent')
      grantOf(await bench.store.tryLock(request))
    },
  },
  {
    title: 'each grant has a greater token, over give-backs, expiry and owners',
    needs: ['lock.fencing'],
    async run(bench) {
      const resource = bench.name('fenced')
      const stores = [bench.store, await bench.open()]
      let last = 0n
      const grow = (grant: LockGrant | undefined) => {
        const { token } = grantOf(grant)
        expect(typeof token).toBe('bigint')
        expect(token).toBeGreaterThan(last)
        last = token!
      }
      for (let i = 0; i < 6; i++) {
        const owner = `owner-${i % 3}`
        grow(await stores[i % 2]!.tryLock({ resource, owner, leaseMs: LONG_MS }))
        expect(await stores[0]!.unlock({ resource, owner })).toBe('released')
      }
      grow(await stores[0]!.tryLock({ resource, owner: 'a', leaseMs: leaseOf(bench.subject) }))
      const request = { resource, owner: 'b', leaseMs: LONG_MS }
      grow(await bench.eventually('the lease ran out', () => stores[1]!.tryLock(request)))
    },
  },
  {
    title: 'without fencing a grant has no token',
    needs: ['lock.try'],
    lacks: ['lock.fencing'],
    async run(bench) {
      const grant = grantOf(await bench.store.tryLock({ resource: bench.name('x'), owner: 'a', leaseMs: LONG_MS }))
      expect(grant.token).toBeUndefined()
    },
  },
  {
    title: 'anybody can ask who holds a lock',
    needs: ['lock.owner-query'],
    async run(bench) {
      const other = await bench.open()
      const resource = bench.name('asked')
      expect(await other.holder!(resource)).toBeUndefined()
      const grant = grantOf(await bench.store.tryLock({ resource, owner: 'Grüße||a/b', leaseMs: LONG_MS }))
      const holder = await other.holder!(resource)
      expect(holder?.owner).toBe('Grüße||a/b')
      if (bench.has('lock.fencing')) expect(holder?.token).toBe(grant.token)
      if (holder?.remainingMs !== undefined) {
        expect(holder.remainingMs).toBeGreaterThan(0)
        expect(holder.remainingMs).toBeLessThanOrEqual(LONG_MS * 1.05)
      }
      expect(await bench.store.unlock({ resource, owner: 'Grüße||a/b' })).toBe('released')
      expect(await other.holder!(resource)).toBeUndefined()
      grantOf(await bench.store.tryLock({ resource, owner: 'b', leaseMs: leaseOf(bench.subject) }))
      await bench.eventually('nobody holds it', async () => (await other.holder!(resource)) === undefined)
    },
  },
  {
    title: 'who waits hears of a lock that is given back, of one that runs out, and stops when told so',
    needs: ['lock.wait'],
    async run(bench) {
      const other = await bench.open()
      const waiting = async (resource: string, leaseMs: number, free: () => Promise<unknown>) => {
        const abort = new AbortController()
        bench.afterwards(() => abort.abort())
        grantOf(await bench.store.tryLock({ resource, owner: 'a', leaseMs }))
        const wait = waitFor(other, resource, abort.signal)
        await free()
        await bench.eventually('whoever waits gets the lock', () => Promise.race([wait, pending()]))
      }
      const given = bench.name('given')
      await waiting(given, LONG_MS, () => bench.store.unlock({ resource: given, owner: 'a' }))
      await waiting(bench.name('runs-out'), leaseOf(bench.subject), async () => {})
      const abort = new AbortController()
      const held = bench.name('kept')
      grantOf(await bench.store.tryLock({ resource: held, owner: 'a', leaseMs: LONG_MS }))
      const wait = other.whenFree?.(held, abort.signal)
      abort.abort()
      if (wait) await bench.eventually('an aborted wait ends', () => wait.then(() => true))
    },
  },
  {
    title: 'a holder can tell that its lock is lost',
    needs: ['lock.loss-event'],
    async run(bench) {
      const other = await bench.open()
      const resource = bench.name('lost')
      const request = { resource, owner: 'a', leaseMs: leaseOf(bench.subject) }
      grantOf(await bench.store.tryLock(request))
      await bench.eventually('another holds it', () => other.tryLock({ ...request, owner: 'b', leaseMs: LONG_MS }))
      // The layer above compares what it was granted with what is there; it needs one of these for it.
      if (bench.store.renew) expect(await bench.store.renew(request)).toBe('others')
      else expect((await bench.store.holder!(resource))?.owner).toBe('b')
    },
  },
  {
    title: 'what the store cannot do it does not offer',
    needs: [],
    async run(bench) {
      expect(bench.store.renew !== undefined).toBe(bench.has('lock.renew'))
      expect(bench.store.holder !== undefined).toBe(bench.has('lock.owner-query'))
    },
  },
  {
    title: 'a closed store refuses, another goes on',
    needs: ['lock.try'],
    async run(bench) {
      const other = await bench.open()
      await other.check(5_000)
      await other.close()
      const request = { resource: bench.name('closed'), owner: 'a', leaseMs: LONG_MS }
      await expectRefusal(other.tryLock(request), 'unavailable')
      grantOf(await bench.store.tryLock(request))
    },
  },
  {
    title: 'over an outage: calls are refused as unavailable and work afterwards, no lease is invented',
    needs: ['lock.try'],
    outage: true,
    async run(bench) {
      const short = { resource: bench.name('short'), owner: 'a', leaseMs: leaseOf(bench.subject) }
      const long = { resource: bench.name('long'), owner: 'a', leaseMs: LONG_MS }
      const early = grantOf(await bench.store.tryLock(short))
      const before = grantOf(await bench.store.tryLock(long))
      await bench.outage(async () => {
        await expectRefusal(bench.store.tryLock({ ...short, owner: 'b' }), 'unavailable')
        await expectRefusal(bench.store.unlock(short), 'unavailable')
        if (bench.store.renew) await expectRefusal(bench.store.renew(long), 'unavailable')
        await expectRefusal(bench.store.check(2_000), 'unavailable')
      })
      await bench.eventually('the store answers again', async () => (await bench.store.check(1_000)) !== undefined)
      const free = { ...short, owner: 'b', leaseMs: LONG_MS }
      const late = await bench.eventually('the lease ran out', () => bench.store.tryLock(free))
      expect(await bench.store.unlock(short)).toBe('others')
      const again = await bench.store.tryLock({ ...long, owner: 'b' })
      if (!bench.has('lock.fencing')) return
      expect(late.token).toBeGreaterThan(early.token!)
      if (again) expect(again.token).toBeGreaterThan(before.token!)
    },
  },
  {
    title: 'what is held before an outage is held after it',
    needs: ['lock.linearizable'],
    outage: true,
    async run(bench) {
      const request = { resource: bench.name('outlives'), owner: 'a', leaseMs: LONG_MS }
      grantOf(await bench.store.tryLock(request))
      await bench.outage(async () => {
        await expectRefusal(bench.store.tryLock({ ...request, owner: 'b' }), 'unavailable')
      })
      await bench.eventually('the store answers again', async () => (await bench.store.check(1_000)) !== undefined)
      expect(await bench.store.tryLock({ ...request, owner: 'b' })).toBeUndefined()
      expect(await bench.store.unlock(request)).toBe('released')
    },
  },
]

/** As the layer above does: asks, waits until it may be free, asks again. */
async function waitFor(store: LockStore, resource: string, signal: AbortSignal): Promise<LockGrant | undefined> {
  for (;;) {
    const grant = await store.tryLock({ resource, owner: 'waiting', leaseMs: LONG_MS })
    if (grant || signal.aborted) return grant
    if (store.whenFree) await store.whenFree(resource, signal)
    else await passing(20)
  }
}

/** Undefined in a moment, for a race with something that may be done. */
function pending(): Promise<undefined> {
  return new Promise(resolve => setTimeout(resolve, 5, undefined))
}
