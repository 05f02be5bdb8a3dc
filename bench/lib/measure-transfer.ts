/** A transfer row: one response of a gigabyte or so through a fresh proxy, and the most memory that it had meanwhile. */

import { rmSync } from 'node:fs'
import { onCore, runToEnd, startServer, withFiles } from './child.ts'
import type { Sample } from './metrics.ts'
import { cpuBetween, processTree, readCpu, readMemory, readPeak, resetPeak } from './proc.ts'
import { prepareLaunch, proxyCommand, type Workshop } from './stage.ts'
import type { Launch, Peer, Placement, TransferRow } from './suite.ts'

const MB = 1024 * 1024
/** For 5 GiB on a machine that has other things to do. */
const DEADLINE_MS = 600_000

export async function measureTransfer(
  row: TransferRow,
  peer: Peer & { launch(placement: Placement): Launch },
  backendPort: number,
  workshop: Workshop,
  core?: number,
): Promise<Sample> {
  const { command, port, folder } = await prepareLaunch(peer, backendPort, workshop)
  const proxy = await startServer(proxyCommand(withFiles(command), workshop), port)
  const pids = processTree(proxy.pid)
  try {
    await row.probe(port)
    const { rssBytes } = readMemory(pids)
    resetPeak(pids)
    const cpu = readCpu(pids)
    const from = performance.now()
    // Nobody is to hold what the client prints: it goes nowhere.
    const client = ['sh', '-c', 'exec "$@" > /dev/null', 'sh', ...row.command(port)]
    await runToEnd(onCore(core, client), undefined, DEADLINE_MS)
    const seconds = (performance.now() - from) / 1000
    const peak = readPeak(pids)
    return {
      growthMb: (peak - rssBytes) / MB,
      rssMb: peak / MB,
      cpuMs: cpuBetween(cpu, readCpu(pids)).runUs / 1000,
      mbPerSecond: row.bytes / MB / seconds,
    }
  } finally {
    await proxy.stop()
    // Gigabytes, where the proxy is a store.
    rmSync(folder, { recursive: true, force: true })
  }
}
