/** No number is given twice while the server is killed and comes back: for each kind of sequence with a server. */
import { expect, test } from 'vitest'
import type { SequencerStore } from '../../../src/apis/index.ts'

interface Restarting {
  open(): Promise<SequencerStore>
  kill(): Promise<void>
  restart(): Promise<void>
}

export function underRestarts({ open, kill, restart }: Restarting): void {
  test('ten sidecars get no number twice while the server is killed again and again', async () => {
    const stores = await Promise.all(Array.from({ length: 10 }, open))
    const given: bigint[] = []
    let asking = true
    const ask = async (store: SequencerStore): Promise<void> => {
      for (let last = 0n; asking; ) {
        try {
          const first = await store.reserve('restarts', 3)
          expect(first).toBeGreaterThan(last)
          last = first + 2n
          given.push(first, first + 1n, last)
        } catch (error) {
          if (!['unavailable', 'unknown'].includes((error as { code?: string }).code ?? '')) throw error
          await new Promise(resolve => setTimeout(resolve, 10))
        }
      }
    }
    const all = Promise.all(stores.map(ask))
    for (let round = 0; round < 3; round++) {
      const before = given.length
      await expect.poll(() => given.length, { timeout: 10_000 }).toBeGreaterThan(before + 60)
      await kill()
      await restart()
    }
    asking = false
    await all
    expect(new Set(given).size).toBe(given.length)
    await Promise.all(stores.map(store => store.close()))
  })
}
