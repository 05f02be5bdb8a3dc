/** A disk that does not take a write: nobody is told what would be gone after a restart. */
import { afterEach, expect, test, vi } from 'vitest'
import { embeddedSequencer } from '../../../src/components/sequencer/embedded.ts'
import { temporaryDirectory } from '../embedded-directory.ts'
import { openStore } from '../open.ts'

const fault = vi.hoisted(() => ({ isOn: false }))

vi.mock('lmdb', async load => {
  const real = await load<typeof import('lmdb')>()
  const faulty = (database: object): object =>
    new Proxy(database, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (name === 'openDB') return (...args: unknown[]) => faulty(Reflect.apply(value, target, args))
        if (name === 'put' && fault.isOn) return () => Promise.reject(new Error('no space left on device'))
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  return { ...real, open: (options: Parameters<typeof real.open>[0]) => faulty(real.open(options)) }
})

afterEach(() => {
  fault.isOn = false
})

test('a write that fails is told to its caller and to all after it, and a new start goes on from what is kept', async () => {
  const dataDirectory = temporaryDirectory()
  const store = await openStore(embeddedSequencer, { dataDirectory })
  expect(await store.reserve('k', 1)).toBe(1n)
  fault.isOn = true
  const refusal = { code: 'internal', message: expect.stringContaining('no space left on device') }
  await expect(store.reserve('k', 1)).rejects.toMatchObject(refusal)
  fault.isOn = false
  // The disk has room again, but memory is ahead of it.
  await expect(store.reserve('k', 1)).rejects.toMatchObject(refusal)
  await expect(store.check(1_000)).rejects.toMatchObject(refusal)
  await store.close()
  const again = await openStore(embeddedSequencer, { dataDirectory })
  expect(await again.reserve('k', 1)).toBe(2n)
  await again.close()
})
