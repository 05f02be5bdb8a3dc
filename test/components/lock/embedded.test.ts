import { expect, test } from 'vitest'
import { embeddedLock } from '../../../src/components/lock/embedded.ts'
import { lockConformance } from '../../conformance/lock.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

const dataDirectory = temporaryDirectory()
const open = (name?: string) => openStore(embeddedLock, { dataDirectory }, name === undefined ? {} : { name })

lockConformance({ features: embeddedLock.features, open, leaseMs: 200 })

test('what is held when everything is closed is held afterwards, by the same owner and token', async () => {
  const first = await open('again')
  const grant = await first.tryLock({ resource: 'r', owner: 'a', leaseMs: 60_000 })
  await first.close()
  const second = await open('again')
  expect(await second.tryLock({ resource: 'r', owner: 'b', leaseMs: 60_000 })).toBeUndefined()
  const holder = await second.holder!('r')
  expect(holder).toMatchObject({ owner: 'a', token: grant!.token })
  expect(holder!.remainingMs).toBeLessThanOrEqual(60_000)
  expect(await second.unlock({ resource: 'r', owner: 'a' })).toBe('released')
  const next = await second.tryLock({ resource: 'r', owner: 'b', leaseMs: 60_000 })
  expect(next!.token).toBeGreaterThan(grant!.token!)
  await second.close()
})
