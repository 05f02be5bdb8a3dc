/** A load row: the tool's throughput and percentiles, and the processor time that each request cost meanwhile. */

import { onCore, runToEnd } from './child.ts'
import type { Sample } from './metrics.ts'
import { cpuBetween, readCpu } from './proc.ts'
import type { Target } from './stage.ts'
import type { LoadRow } from './suite.ts'
import type { Timing } from './timing.ts'

export async function measureLoad(row: LoadRow, target: Target, timing: Timing, core?: number): Promise<Sample> {
  await row.prepare?.(target.backendPort)
  const readBoth = () => ({ proxy: readCpu(target.proxyPids), backend: readCpu(target.backendPids) })
  let before = readBoth()
  const load = async (requests: number, ms: number) => {
    before = readBoth()
    const onBegin = () => {
      before = readBoth()
    }
    const mark = row.begins === undefined ? undefined : { text: row.begins, reached: onBegin }
    return row.parse(await runToEnd(onCore(core, row.command(target.port, requests, ms)), mark))
  }
  const least = row.leastRequests ?? 1000
  const requestsIn = (rps: number, ms: number) => Math.max(least, Math.round((rps * ms) / 1000))

  const warm = await load(requestsIn(row.expectedRps, timing.warmMs), timing.warmMs)
  const wanted = requestsIn(warm.rps, timing.measureMs)
  const { requests = wanted, ...sample } = await load(wanted, timing.measureMs)
  const proxy = cpuBetween(before.proxy, readCpu(target.proxyPids))
  // A server may have a thread for each client: the run time of those that have ended is in the ticks only.
  const backendUs = cpuBetween(before.backend, readCpu(target.backendPids)).tickUs / requests
  if (target.proxyPids.length === 0) return { ...sample, backendUs }
  const elapsedUs = (requests / sample.rps) * 1e6
  return {
    ...sample,
    ...(row.bytes !== undefined && { gibPerCore: row.bytes / 2 ** 30 / (proxy.runUs / requests / 1e6) }),
    backendUs,
    cpuUs: proxy.runUs / requests,
    tickUs: proxy.tickUs / requests,
    cores: proxy.runUs / elapsedUs,
    waited: proxy.waitUs / elapsedUs,
  }
}
