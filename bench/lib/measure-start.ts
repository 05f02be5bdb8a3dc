/** A start row: process start to the first accepted connection, alternating with an empty Node script's whole life. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runToEnd, startServer } from './child.ts'
import type { Sample } from './metrics.ts'
import { processTree, readMemory } from './proc.ts'
import { prepareLaunch, proxyCommand, type Workshop } from './stage.ts'
import { median } from './statistics.ts'
import type { Launch, Peer, Placement, StartRow } from './suite.ts'

const MB = 1024 * 1024
const IDLE_MS = 1000 // memory is read this long after the last start

export async function measureStart(
  row: StartRow,
  peer: Peer & { launch(placement: Placement): Launch },
  backendPort: number,
  workshop: Workshop,
): Promise<Sample> {
  const empty = join(workshop.folder, 'empty.cjs')
  writeFileSync(empty, '')
  const emptyMs: number[] = []
  const startMs: number[] = []
  for (let run = 1; ; run++) {
    emptyMs.push(await timed(() => runToEnd(proxyCommand([workshop.node, empty], workshop))))
    const { command, port } = await prepareLaunch(peer, backendPort, workshop)
    const fromMs = performance.now()
    const proxy = await startServer(proxyCommand(command, workshop), port)
    startMs.push(performance.now() - fromMs)
    try {
      if (run < row.runs) continue
      await new Promise(resolve => setTimeout(resolve, IDLE_MS))
      const { rssBytes, pssBytes } = readMemory(processTree(proxy.pid))
      const sample = { startMs: median(startMs), startRatio: median(startMs) / median(emptyMs) }
      return { ...sample, rssMb: rssBytes / MB, pssMb: pssBytes / MB }
    } finally {
      await proxy.stop()
    }
  }
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const fromMs = performance.now()
  await act()
  return performance.now() - fromMs
}
