/** The conformance suite of the sequencer API. */
import { expect } from 'vitest'
import { type Case, expectRefusal, ODD_NAMES, register, type Subject } from './suite.ts'

export type SequencerSubject = Subject<'sequencer'>

export function sequencerConformance(subject: SequencerSubject): void {
  register('sequencer', sequencerCases, subject)
}

export const sequencerCases: readonly Case<'sequencer', SequencerSubject>[] = [
  {
    title: 'a sequence begins with 1, each on its own',
    needs: ['sequencer.unique'],
    async run(bench) {
      const [first, second] = [bench.name('first'), bench.name('second')]
      expect(await bench.store.reserve(first, 1)).toBe(1n)
      expect(await bench.store.reserve(first, 1)).toBeGreaterThan(1n)
      expect(await bench.store.reserve(second, 1)).toBe(1n)
    },
  },
  {
    title: 'no number is given twice to many who ask at a time',
    needs: ['sequencer.unique'],
    async run(bench) {
      const stores = [bench.store, await bench.open(), await bench.open()]
      const key = bench.name('many')
      const asked = Array.from({ length: 150 }, (_, i) => stores[i % 3]!.reserve(key, 1))
      const numbers = await Promise.all(asked)
      expect(new Set(numbers).size).toBe(150)
      for (const number of numbers) expect(number).toBeGreaterThan(0n)
    },
  },
  {
    title: 'of one caller each number is greater than the one before',
    needs: ['sequencer.monotonic-weak'],
    async run(bench) {
      const key = bench.name('weak')
      let last = 0n
      for (let i = 0; i < 20; i++) {
        const next = await bench.store.reserve(key, 1)
        expect(next).toBeGreaterThan(last)
        last = next
      }
    },
  },
  {
    title: 'a number is greater than all that were given before, whoever asks',
    needs: ['sequencer.monotonic-strong'],
    async run(bench) {
      const stores = [bench.store, await bench.open(), await bench.open()]
      const key = bench.name('strong')
      let last = 0n
      for (let i = 0; i < 30; i++) {
        const asked = Array.from({ length: 1 + (i % 4) }, (_, j) => stores[(i + j) % 3]!.reserve(key, 1))
        const numbers = await Promise.all(asked)
        for (const number of numbers) expect(number).toBeGreaterThan(last)
        last = numbers.reduce((greatest, number) => (number > greatest ? number : greatest))
      }
    },
  },
  {
    title: 'numbers are reserved in a row, for one caller alone',
    needs: ['sequencer.segment'],
    async run(bench) {
      const stores = [bench.store, await bench.open()]
      const key = bench.name('rows')
      const counts = Array.from({ length: 60 }, (_, i) => (i % 7) + 1)
      const firsts = await Promise.all(counts.map((count, i) => stores[i % 2]!.reserve(key, count)))
      const given = firsts.flatMap((first, i) => Array.from({ length: counts[i]! }, (_, j) => first + BigInt(j)))
      expect(new Set(given).size).toBe(counts.reduce((sum, count) => sum + count))
    },
  },
  {
    title: 'big reservations are kept, beyond 32 bits',
    needs: ['sequencer.segment'],
    async run(bench) {
      const key = bench.name('big')
      const count = 2_000_000_000
      let least = 1n
      for (let i = 0; i < 4; i++) {
        const first = await bench.store.reserve(key, count)
        expect(first).toBeGreaterThanOrEqual(least)
        least = first + BigInt(count)
      }
      expect(await bench.store.reserve(key, 1)).toBeGreaterThanOrEqual(8_000_000_001n)
    },
  },
  {
    title: 'odd keys are kept apart',
    needs: ['sequencer.unique'],
    async run(bench) {
      const base = bench.name('odd')
      for (const odd of ODD_NAMES) expect(await bench.store.reserve(`${base}${odd}`, 1), odd).toBe(1n)
      for (const odd of ODD_NAMES) expect(await bench.store.reserve(`${base}${odd}`, 1), odd).toBeGreaterThan(1n)
    },
  },
  {
    title: 'a sequence goes on in another store when the first is closed',
    needs: ['sequencer.unique'],
    async run(bench) {
      const key = bench.name('goes-on')
      const first = await bench.open()
      const given = await first.reserve(key, 10)
      await first.check(5_000)
      await first.close()
      await expectRefusal(first.reserve(key, 1), 'unavailable')
      expect(await bench.store.reserve(key, 1)).toBeGreaterThanOrEqual(given + 10n)
    },
  },
  {
    title: 'over an outage: calls are refused as unavailable, and go on afterwards without a duplicate',
    needs: ['sequencer.unique'],
    outage: true,
    async run(bench) {
      const key = bench.name('outage')
      const given = await bench.store.reserve(key, 5)
      await bench.outage(async () => {
        await expectRefusal(bench.store.reserve(key, 1), 'unavailable')
        await expectRefusal(bench.store.check(2_000), 'unavailable')
      })
      const next = await bench.eventually('numbers are given again', () => bench.store.reserve(key, 1))
      expect(next).toBeGreaterThanOrEqual(given + 5n)
    },
  },
]
