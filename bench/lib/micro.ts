/** Micro benchmarks: how long a piece of code takes per frame when nothing else runs, and whether it still does its work. */

import { median, spread } from './statistics.ts'

export interface MicroBench {
  readonly name: string
  /** Frames and bytes that one run handles. */
  readonly frames: number
  readonly bytes: number
  /** Handles them all and returns how many frames it saw, so that the work cannot be optimised away. */
  run(): number
}

export interface MicroResult {
  readonly name: string
  readonly nsPerFrame: number
  readonly megabytesPerSecond: number
  /** Range of the rounds as a share of their median. */
  readonly spread: number
}

/** Warms every benchmark up, then measures them in turn, round after round; medians. Throws when one miscounts. */
export function runMicro(benches: readonly MicroBench[], rounds: number, roundMs: number): MicroResult[] {
  for (const bench of benches) {
    const seen = bench.run()
    if (seen !== bench.frames) throw new Error(`${bench.name}: ${seen} frames instead of ${bench.frames}`)
  }
  for (const bench of benches) nsPerRun(bench, 2 * roundMs)
  const times = benches.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, bench] of benches.entries()) times[i]?.push(nsPerRun(bench, roundMs))
  }
  return benches.map(({ name, frames, bytes }, i) => {
    const runNs = median(times[i] ?? [])
    return {
      name,
      nsPerFrame: runNs / frames,
      megabytesPerSecond: (bytes / runNs) * 1000,
      spread: spread(times[i] ?? []),
    }
  })
}

function nsPerRun(bench: MicroBench, forMs: number): number {
  const fromMs = performance.now()
  let runs = 0
  let elapsedMs = 0
  do {
    for (let i = 0; i < 100; i++) bench.run()
    runs += 100
    elapsedMs = performance.now() - fromMs
  } while (elapsedMs < forMs)
  return (elapsedMs * 1e6) / runs
}
