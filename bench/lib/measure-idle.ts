/** An idle row: resident memory that many idle clients add to a fresh proxy that has served one client before. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { launchClient, startServer, stopChild, withFiles } from './child.ts'
import type { IdlePlan } from './idle-clients.ts'
import type { Sample } from './metrics.ts'
import { type Memory, processTree, readMemory } from './proc.ts'
import { prepareLaunch, proxyCommand, type Workshop } from './stage.ts'
import type { IdleRow, Launch, Peer, Placement } from './suite.ts'

const CLIENTS = fileURLToPath(new URL('lib/idle-clients.mjs', import.meta.url))
const MB = 1024 * 1024

/** A proxy with one upstream connection per client needs two descriptors for each. */
export function affordableClients(wanted: number, fileLimit: number): number {
  return Math.min(wanted, Math.floor((fileLimit - 1000) / 2))
}

export async function measureIdle(
  row: IdleRow,
  peer: Peer & { launch(placement: Placement): Launch },
  backendPort: number,
  workshop: Workshop,
): Promise<Sample> {
  await row.prepare?.(backendPort)
  const fileLimit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || 1_000_000
  const clients = affordableClients(row.clients, fileLimit)
  const { command, port } = await prepareLaunch(peer, backendPort, workshop)
  const proxy = await startServer(proxyCommand(withFiles(command), workshop), port)
  const pids = processTree(proxy.pid)
  const { request, replyBytes } = row
  try {
    await whileOpen({ port, clients: 1, request, replyBytes }, async () => {})
    const before = await settledMemory(pids)
    const after = await whileOpen({ port, clients, request, replyBytes }, () => settledMemory(pids))
    return {
      clients,
      bytesPerClient: (after.rssBytes - before.rssBytes) / clients,
      rssMb: after.rssBytes / MB,
      pssMb: after.pssBytes / MB,
    }
  } finally {
    await proxy.stop()
  }
}

async function whileOpen<T>(plan: IdlePlan, act: () => Promise<T>): Promise<T> {
  const child = launchClient(withFiles([process.execPath, CLIENTS, JSON.stringify(plan)]), 'pipe')
  let errors = ''
  child.stderr?.on('data', chunk => {
    errors += chunk
  })
  try {
    const gone = once(child, 'exit').then(() => {
      throw new Error(`the idle clients ended early: ${errors.trim()}`)
    })
    gone.catch(() => {})
    await Promise.race([once(child.stdout!, 'data'), gone])
    return await Promise.race([act(), gone])
  } finally {
    await stopChild(child)
  }
}

/** Memory once it has stopped to move by more than half a per cent for half a second; after five seconds as it is. */
async function settledMemory(pids: readonly number[]): Promise<Memory> {
  let last = readMemory(pids)
  for (let tries = 0; tries < 10; tries++) {
    await new Promise(resolve => setTimeout(resolve, 500))
    const now = readMemory(pids)
    if (Math.abs(now.rssBytes - last.rssBytes) < 0.005 * last.rssBytes) return now
    last = now
  }
  return last
}
