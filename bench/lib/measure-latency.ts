/** A latency row: runs the latency client against the peer and reads the processor time between its two reports. */

import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { launchClient, onCore, stopChild } from './child.ts'
import type { LatencyPlan, LatencyReport } from './latency-client.ts'
import type { Sample } from './metrics.ts'
import { type CpuTime, cpuBetween, readCpu } from './proc.ts'
import type { Target } from './stage.ts'
import type { LatencyRow } from './suite.ts'
import type { Timing } from './timing.ts'

const CLIENT = fileURLToPath(new URL('lib/latency-client.mjs', import.meta.url))

export async function measureLatency(
  row: LatencyRow,
  rate: number | 'alone',
  target: Target,
  timing: Timing,
  core?: number,
): Promise<Sample> {
  await row.prepare?.(target.backendPort)
  const { connections, request, replyBytes } = row
  const plan: LatencyPlan = { port: target.port, connections, rate, request, replyBytes, ...timing }
  const client = [process.execPath, CLIENT, JSON.stringify(plan)]
  // The open-loop client spins to send on time. With idle priority it gives way at once to the backend on its core.
  const child = launchClient(onCore(core, rate === 'alone' ? client : ['chrt', '-i', '0', ...client]))
  let errors = ''
  child.stderr?.on('data', chunk => {
    errors += chunk
  })
  try {
    let before = readCpu(target.proxyPids)
    for await (const line of createInterface({ input: child.stdout! })) {
      const cpu = readCpu(target.proxyPids)
      if (line === 'measuring') {
        before = cpu
        continue
      }
      const report = JSON.parse(line) as LatencyReport
      const { requests, p50Ms, p99Ms, p999Ms, lost, lateP99Ms } = report
      const sample = { p50Ms, p99Ms, p999Ms, lost, rps: requests / (timing.measureMs / 1000) }
      return {
        ...sample,
        ...(rate === 'alone' ? {} : { lateP99Ms }),
        ...(target.proxyPids.length === 0 ? {} : proxyShare(cpuBetween(before, cpu), requests, timing)),
      }
    }
    throw new Error(`the latency client ended early: ${errors.trim()}`)
  } finally {
    await stopChild(child)
  }
}

function proxyShare({ runUs, waitUs }: CpuTime, requests: number, { measureMs }: Timing): Sample {
  return { cpuUs: runUs / requests, waited: waitUs / 1000 / measureMs }
}
