/** The processes of one repetition: the backend and every peer, started together, placed on cores, ended together. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { moveTo, onCore, type Running, runToEnd, startServer, withFiles } from './child.ts'
import { processTree } from './proc.ts'
import type { Launch, Peer, Placement, Suite } from './suite.ts'

/** Load generator and backend share a core, so that the proxy has the other to itself and its CPU time is its own. */
export const LOAD_CORE = 0
export const PROXY_CORE = 1
const ALL_CORES = `0-${availableParallelism() - 1}`

/** Where the processes of this run may leave files, and the Node that they use. */
export interface Workshop {
  readonly folder: string
  readonly node: string
  readonly pin: boolean
}

/** What a row is measured on: one peer and the backend behind it. */
export interface Target {
  readonly port: number
  readonly backendPort: number
  /** Empty for the direct way. */
  readonly proxyPids: readonly number[]
  readonly backendPids: readonly number[]
}

let launches = 0

/** Ports and a folder for one more process, with the files of its launch written and what comes before it done. */
export async function prepareLaunch(
  peer: Peer & { launch(placement: Placement): Launch },
  backendPort: number,
  { folder, node }: Workshop,
): Promise<{ command: readonly string[]; port: number; folder: string }> {
  const own = join(folder, `${peer.name.replace(/\W/g, '-')}-${++launches}`)
  mkdirSync(own)
  const [port, adminPort] = (await freePorts(2)) as [number, number]
  const { before, command, files } = peer.launch({ port, backendPort, adminPort, folder: own, node })
  for (const [name, text] of Object.entries(files ?? {})) writeFileSync(join(own, name), text)
  for (const step of before ?? []) await runToEnd(step)
  return { command, port, folder: own }
}

/** Whether the peer is a process of its own. */
export function isProxy(peer: Peer): peer is Peer & { launch(placement: Placement): Launch } {
  return peer.launch !== undefined
}

export class Stage {
  readonly #workshop: Workshop
  readonly #backend: Running
  readonly #proxies: ReadonlyMap<string, Running>

  private constructor(workshop: Workshop, backend: Running, proxies: ReadonlyMap<string, Running>) {
    this.#workshop = workshop
    this.#backend = backend
    this.#proxies = proxies
  }

  /** Starts everything and proves with one request each that the answers are right. */
  static async open(suite: Suite, peers: readonly Peer[], workshop: Workshop): Promise<Stage> {
    const { command, port } = await prepareLaunch(suite.backend, 0, workshop)
    const backend = await startServer(withFiles(command), port)
    await suite.fill?.(port)
    const proxies = new Map<string, Running>()
    for (const peer of peers) {
      if (!isProxy(peer)) continue
      const proxy = await prepareLaunch(peer, port, workshop)
      proxies.set(peer.name, await startServer(withFiles(proxy.command), proxy.port))
    }
    const stage = new Stage(workshop, backend, proxies)
    for (const peer of peers) {
      await suite.probe(stage.target(peer).port).catch(error => {
        throw new Error(`${peer.name} does not answer as it should: ${(error as Error).message}`)
      })
    }
    return stage
  }

  /** Throws when the peer or the backend is no longer there. */
  target(peer: Peer): Target {
    const proxy = this.#proxies.get(peer.name)
    this.#backend.check()
    proxy?.check()
    return {
      port: (proxy ?? this.#backend).port,
      backendPort: this.#backend.port,
      proxyPids: proxy ? processTree(proxy.pid) : [],
      backendPids: processTree(this.#backend.pid),
    }
  }

  /** Puts all processes on their cores, or sets them free; gives the core for the load generator. */
  async place(pinned: boolean): Promise<number | undefined> {
    const pin = pinned && this.#workshop.pin
    await moveTree(this.#backend.pid, pin ? String(LOAD_CORE) : ALL_CORES)
    for (const { pid } of this.#proxies.values()) await moveTree(pid, pin ? String(PROXY_CORE) : ALL_CORES)
    return pin ? LOAD_CORE : undefined
  }

  async close(): Promise<void> {
    await Promise.all([...this.#proxies.values(), this.#backend].map(running => running.stop()))
  }
}

/** The proxy's core for processes that a row starts itself. */
export function proxyCommand(command: readonly string[], workshop: Workshop): string[] {
  return onCore(workshop.pin ? PROXY_CORE : undefined, command)
}

/** A process that has ended cannot be moved; that is for its own rows to find out, not for those of the others. */
async function moveTree(root: number, cores: string): Promise<void> {
  for (const pid of processTree(root)) await moveTo(cores, pid).catch(() => {})
}
