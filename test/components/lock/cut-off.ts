/** What must hold of a lock whose holder is cut from its store, connections left open: for each kind with a server of its own. */
import { expect, test } from 'vitest'
import type { LockStore } from '../../../src/apis/index.ts'
import { expectRefusal } from '../../conformance/suite.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'

export function cutOffTests(open: (port: number) => Promise<LockStore>, portOf: () => number, leaseMs: number): void {
  test('a holder that is cut from its store hears so, another gets the lock with a greater token, and a counter is not harmed', async () => {
    const proxy = await FaultProxy.start(portOf())
    const [cut, other] = [await open(proxy.port), await open(portOf())]
    const resource = `cut-${leaseMs}`
    const counter = { value: 0, token: 0n }
    /** As a store of data does that checks tokens. */
    const write = (value: number, token: bigint): boolean => {
      if (token < counter.token) return false
      Object.assign(counter, { value, token })
      return true
    }
    const mine = { resource, owner: 'cut', leaseMs }
    const first = (await cut.tryLock(mine))!
    expect(write(1, first.token!)).toBe(true)
    const read = counter.value
    proxy.silence()
    await expectRefusal(cut.renew!(mine), 'unavailable', 'unknown')
    const theirs = { resource, owner: 'other', leaseMs: 60_000 }
    const signal = new AbortController().signal
    let second: Awaited<ReturnType<LockStore['tryLock']>>
    while (!(second = await other.tryLock(theirs))) await other.whenFree!(resource, signal)
    expect(second.token).toBeGreaterThan(first.token!)
    expect(write(counter.value + 1, second.token!)).toBe(true)
    expect(write(read + 1, first.token!)).toBe(false)
    expect(counter.value).toBe(2)
    proxy.speak()
    proxy.reset()
    await expect.poll(() => cut.renew!(mine).catch(() => 'away'), { timeout: 20_000 }).toBe('others')
    await Promise.all([cut.close(), other.close()])
    proxy.close()
  }, 40_000)
}
