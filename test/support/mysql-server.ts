/**
 * A real, private server of the MySQL kind for tests: a free loopback port and a unix socket in a temporary folder. Ended and
 * cleared away by stop(), at the latest when the process exits. The data directory is a copy of one that its product makes
 * once and keeps for later runs.
 */

import { chmodSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer, type RealServer } from './child-server.ts'

export interface MysqlServerOptions {
  /** Further command line arguments, such as `['--max-allowed-packet=64M']`; later ones win. */
  readonly args?: readonly string[]
  /** Statements run at the first start, as root, one on each line. */
  readonly sql?: readonly string[]
  /** Files in PEM form; the server then offers TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string }
}

/** What is particular about a product, and how it is run here. */
export interface MysqlProduct {
  readonly name: string
  /** The program, and what comes before the options that all have in common. */
  readonly command: readonly [program: string, ...args: string[]]
  readonly env: NodeJS.ProcessEnv
  /** Where servers have their folders. */
  readonly home: string
  /** The folder that a server sees as the root of all files; empty where it is not in one of its own. */
  readonly root: string
  /** The path of an initialised data directory. */
  dataTemplate(): string
}

export interface MysqlServer extends RealServer {
  readonly host: string
  readonly port: number
  readonly socketPath: string
  /** Of the process that runs now; another one after restart(). */
  readonly pid: number
  readonly dir: string
}

/** Resolves when the server takes connections; rejects with the server's own output if it does not start. */
export async function startMysqlServer(product: MysqlProduct, options: MysqlServerOptions): Promise<MysqlServer> {
  const template = product.dataTemplate()
  for (let attempt = 1; ; attempt++) {
    const [port] = await freePorts(1)
    const server = new Server(product, options, port!, template)
    try {
      await server.launch()
      return server
    } catch (error) {
      await server.stop()
      if (attempt === 5 || !String(error).includes('Address already in use')) throw error
    }
  }
}

class Server extends ChildServer implements MysqlServer {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly socketPath: string
  readonly #product: MysqlProduct
  readonly #args: readonly string[]

  constructor(product: MysqlProduct, { args = [], sql = [], tls }: MysqlServerOptions, port: number, template: string) {
    super(product.name, { home: product.home, impatienceMs: 15_000 })
    this.#product = product
    this.port = port
    this.socketPath = join(this.dir, 's')
    const data = join(this.dir, 'data')
    cpSync(template, data, { recursive: true })
    chmodSync(data, 0o700)
    writeFileSync(join(this.dir, 'init.sql'), sql.map(line => `${line};\n`).join(''))
    const inside = this.dir.slice(product.root.length)
    const all = [`--datadir=${inside}/data`, `--init-file=${inside}/init.sql`, `--tmpdir=${inside}`]
    all.push(`--socket=${inside}/s`, `--pid-file=${inside}/pid`, `--port=${port}`, `--bind-address=${this.host}`)
    all.push('--skip-name-resolve', '--local-infile=ON')
    if (tls) all.push(`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`, `--ssl-ca=${tls.ca}`)
    this.#args = [...all, ...args]
  }

  async launch(): Promise<void> {
    const { command, env } = this.#product
    const [program, ...args] = command
    await this.run([program, ...args, ...this.#args], 'ready for connections', env)
    // What was told to do at the first start is done.
    writeFileSync(join(this.dir, 'init.sql'), '')
  }
}
