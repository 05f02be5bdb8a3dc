/**
 * A real, private etcd for tests: free loopback ports and a temporary folder; its data stays over restarts. Ended and
 * cleared away by stop(), at the latest when the process exits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './server-processes.ts'

export interface EtcdServerOptions {
  /** Further command line arguments; later ones win. */
  readonly args?: readonly string[]
  /** Files in PEM form; the server then speaks TLS, and with `clients` asks for client certificates. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string; readonly clients?: boolean }
}

export interface EtcdServer {
  readonly port: number
  readonly address: string
  /** Calls a method of etcd's JSON gateway, such as `kv/compact`; not with TLS. */
  post(method: string, body: object): Promise<unknown>
  stop(): Promise<void>
  /** SIGKILL, waited for; restart() brings the server back. */
  kill(): Promise<void>
  /** Ends what still runs and starts again with the same ports and data. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers until resume(). */
  pause(): void
  resume(): void
}

/** Resolves when it serves; rejects with its own output if it does not start. */
export async function startEtcd(options: EtcdServerOptions = {}): Promise<EtcdServer> {
  const [server] = await startEtcdCluster(1, options)
  return server!
}

/** The members of one cluster. */
export async function startEtcdCluster(count: number, options: EtcdServerOptions = {}): Promise<EtcdServer[]> {
  const ports = await freePorts(2 * count)
  const members = Array.from({ length: count }, (_, i) => ({
    name: `m${i}`,
    port: ports[2 * i]!,
    peer: `http://127.0.0.1:${ports[2 * i + 1]}`,
  }))
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join()
  const servers = members.map(member => new Server(member, cluster, options))
  try {
    await Promise.all(servers.map(server => server.launch()))
    return servers
  } catch (error) {
    await Promise.all(servers.map(server => server.stop()))
    throw error
  }
}

interface Member {
  readonly name: string
  readonly port: number
  readonly peer: string
}

class Server implements EtcdServer {
  readonly port: number
  readonly address: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'etcd-'))
  readonly #args: readonly string[]
  #child: ChildProcess | undefined

  constructor({ name, port, peer }: Member, cluster: string, { args = [], tls }: EtcdServerOptions) {
    this.port = port
    this.address = `127.0.0.1:${port}`
    const url = `${tls ? 'https' : 'http'}://${this.address}`
    const all = ['--name', name, '--data-dir', join(this.#dir, 'data'), '--unsafe-no-fsync']
    all.push('--listen-client-urls', url, '--advertise-client-urls', url)
    all.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster)
    // Leases can then be as short as two seconds, and a new leader is found as fast.
    all.push('--heartbeat-interval', '20', '--election-timeout', '200')
    if (tls) {
      all.push('--cert-file', tls.cert, '--key-file', tls.key)
      if (tls.clients) all.push('--client-cert-auth', '--trusted-ca-file', tls.ca)
    }
    this.#args = [...all, ...args]
    process.once('exit', this.#clear)
  }

  async launch(): Promise<void> {
    const child = spawn('etcd', this.#args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`etcd ended:\n${output}`)))
      const hear = (text: string) => {
        if (output.length < 65_536) output += text
        if (/ready to serve client requests/.test(output)) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', hear)
      child.stderr.setEncoding('utf8').on('data', hear)
    })
  }

  async post(method: string, body: object): Promise<unknown> {
    const answer = await fetch(`http://${this.address}/v3/${method}`, { method: 'POST', body: JSON.stringify(body) })
    const json = await answer.json()
    if (!answer.ok) throw new Error(`etcd ${method}: ${JSON.stringify(json)}`)
    return json
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    process.off('exit', this.#clear)
    this.#clear()
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.launch()
  }

  pause(): void {
    this.#child!.kill('SIGSTOP')
  }

  resume(): void {
    this.#child!.kill('SIGCONT')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(impatience)
  }

  readonly #clear = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
