/**
 * A real, private etcd for tests: free loopback ports and a temporary folder; its data stays over restarts. Ended and
 * cleared away by stop(), at the latest when the process exits.
 */

import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer, type RealServer } from './child-server.ts'

export interface EtcdServerOptions {
  /** Further command line arguments; later ones win. */
  readonly args?: readonly string[]
  /** Files in PEM form; the server then speaks TLS, and with `clients` asks for client certificates. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string; readonly clients?: boolean }
}

export interface EtcdServer extends RealServer {
  readonly port: number
  readonly address: string
  /** Calls a method of etcd's JSON gateway, such as `kv/compact`; not with TLS. */
  post(method: string, body: object): Promise<unknown>
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

class Server extends ChildServer implements EtcdServer {
  readonly port: number
  readonly address: string
  readonly #args: readonly string[]

  constructor({ name, port, peer }: Member, cluster: string, { args = [], tls }: EtcdServerOptions) {
    super('etcd')
    this.port = port
    this.address = `127.0.0.1:${port}`
    const url = `${tls ? 'https' : 'http'}://${this.address}`
    const all = ['--name', name, '--data-dir', join(this.dir, 'data'), '--unsafe-no-fsync']
    all.push('--listen-client-urls', url, '--advertise-client-urls', url)
    all.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster)
    // Leases can then be as short as two seconds, and a new leader is found as fast.
    all.push('--heartbeat-interval', '20', '--election-timeout', '200')
    if (tls) {
      all.push('--cert-file', tls.cert, '--key-file', tls.key)
      if (tls.clients) all.push('--client-cert-auth', '--trusted-ca-file', tls.ca)
    }
    this.#args = [...all, ...args]
  }

  async launch(): Promise<void> {
    await this.run(['etcd', ...this.#args], 'ready to serve client requests')
  }

  async post(method: string, body: object): Promise<unknown> {
    const answer = await fetch(`http://${this.address}/v3/${method}`, { method: 'POST', body: JSON.stringify(body) })
    const json = await answer.json()
    if (!answer.ok) throw new Error(`etcd ${method}: ${JSON.stringify(json)}`)
    return json
  }
}
