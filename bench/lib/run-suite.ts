/**
 * Runs a suite: in every repetition all processes are started afresh, and each row is measured on every peer in turn,
 * beginning with another peer each time, so that slow drifts of the machine fall on all alike.
 */

import { measureIdle } from './measure-idle.ts'
import { measureLatency } from './measure-latency.ts'
import { measureLoad } from './measure-load.ts'
import { measureStart } from './measure-start.ts'
import { measureTransfer } from './measure-transfer.ts'
import { formatMetric, type Sample } from './metrics.ts'
import { isWanted } from './options.ts'
import { Results } from './results.ts'
import { isProxy, Stage, type Workshop } from './stage.ts'
import type { LatencyRow, Peer, Row, Suite } from './suite.ts'
import type { Timing } from './timing.ts'

export interface RunPlan {
  readonly suite: Suite
  readonly peers: readonly Peer[]
  readonly rows: readonly Row[]
  readonly repetitions: number
  readonly timing: Timing
  readonly workshop: Workshop
  progress(line: string): void
}

export async function runSuite(plan: RunPlan): Promise<Results> {
  const { suite, peers, rows, repetitions } = plan
  const results = new Results()
  const steps = repetitions * rows.reduce((sum, row) => sum + peersOf(row, peers).length, 0)
  let step = 0
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const stage = await Stage.open(suite, peers, plan.workshop)
    try {
      for (const row of rows) {
        for (const peer of rotate(peersOf(row, peers), repetition)) {
          const outcome = await attempt(() => measure(row, peer, stage, plan, repetition, results))
          results.add({ repetition, row: row.name, peer: peer.name, ...outcome })
          plan.progress(
            `[${++step}/${steps}] repetition ${repetition + 1}  ${row.name.padEnd(22)} ${peer.name.padEnd(18)} ` +
              (outcome.error === undefined ? brief(outcome.sample) : `failed: ${outcome.error}`),
          )
        }
      }
    } finally {
      await stage.close()
    }
  }
  return results
}

/** The list beginning at another place. */
export function rotate<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

/** Start-up and memory are asked of proxies only. */
function peersOf(row: Row, peers: readonly Peer[]): Peer[] {
  const wanted = peers.filter(({ name }) => isWanted(row.peers ?? [], name))
  return row.kind === 'load' || row.kind === 'latency' ? wanted : wanted.filter(isProxy)
}

async function measure(
  row: Row,
  peer: Peer,
  stage: Stage,
  { timing, workshop }: RunPlan,
  repetition: number,
  results: Results,
): Promise<Sample> {
  const target = stage.target(peer)
  switch (row.kind) {
    case 'load':
      return measureLoad(row, target, timing, await stage.place(row.pinned))
    case 'latency': {
      const core = await stage.place(row.pinned)
      return measureLatency(row, rateOf(row, repetition, results), target, timing, core)
    }
    case 'transfer':
      return isProxy(peer) ? measureTransfer(row, peer, target.backendPort, workshop, await stage.place(true)) : {}
    case 'idle':
      return isProxy(peer) ? measureIdle(row, peer, target.backendPort, workshop) : {}
    case 'start':
      return isProxy(peer) ? measureStart(row, peer, target.backendPort, workshop) : {}
  }
}

/** All peers get the same rate, else their latencies could not be compared. */
function rateOf({ rate }: LatencyRow, repetition: number, results: Results): number | 'alone' {
  if (typeof rate !== 'object') return rate
  const most = results.lowest(repetition, rate.ofRow, 'rps')
  return most === undefined ? rate.otherwise : Math.round(most * rate.share)
}

async function attempt(act: () => Promise<Sample>): Promise<{ sample: Sample; error?: string }> {
  try {
    return { sample: await act() }
  } catch (error) {
    return { sample: {}, error: (error as Error).message }
  }
}

function brief(sample: Sample): string {
  const parts: string[] = []
  if (sample.rps !== undefined) parts.push(`${formatMetric('rps', sample.rps).padStart(9)}/s`)
  if (sample.cpuUs !== undefined) parts.push(`${formatMetric('cpuUs', sample.cpuUs)} us CPU`)
  if (sample.p50Ms !== undefined) parts.push(`p50 ${formatMetric('p50Ms', sample.p50Ms)} ms`)
  if (sample.p99Ms !== undefined) parts.push(`p99 ${formatMetric('p99Ms', sample.p99Ms)} ms`)
  if (sample.waited !== undefined) parts.push(`waited ${(sample.waited * 100).toFixed(0)} %`)
  if (sample.lateP99Ms !== undefined) parts.push(`(client late ${formatMetric('lateP99Ms', sample.lateP99Ms)} ms)`)
  if (sample.startMs !== undefined) parts.push(`start ${formatMetric('startMs', sample.startMs)} ms`)
  if (sample.startRatio !== undefined) parts.push(`${formatMetric('startRatio', sample.startRatio)} x empty script`)
  if (sample.bytesPerClient !== undefined)
    parts.push(`${formatMetric('bytesPerClient', sample.bytesPerClient)} B/client`)
  if (sample.mbPerSecond !== undefined) parts.push(`${formatMetric('mbPerSecond', sample.mbPerSecond)} MB/s`)
  if (sample.growthMb !== undefined) parts.push(`memory + ${formatMetric('growthMb', sample.growthMb)} MB`)
  if (sample.rssMb !== undefined) parts.push(`RSS ${formatMetric('rssMb', sample.rssMb)} MB`)
  return parts.join('  ')
}
