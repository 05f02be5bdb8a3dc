/**
 * A real, private redis-server for tests: a free loopback port and a unix socket in a temporary folder, nothing kept,
 * DEBUG, MODULE and protected CONFIG allowed. Ended and cleared away by stop(), at the latest when the process exits.
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer, type RealServer } from './child-server.ts'

export interface RedisServerOptions {
  /** Further command line arguments, such as `['--appendonly', 'yes']`; later ones win. */
  readonly args?: readonly string[]
  readonly password?: string
  /** Files in PEM form; the server then listens with TLS on `tlsPort` too. Client certificates are asked for with `clients`. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string; readonly clients?: boolean }
}

export interface RedisServer extends RealServer {
  readonly host: string
  readonly port: number
  /** 0 without the `tls` option. */
  readonly tlsPort: number
  readonly socketPath: string
  /** Of the process that runs now; another one after restart(). */
  readonly pid: number
  readonly dir: string
}

/** Resolves when the server answers PING; rejects with the server's own output if it does not start. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const [port, tlsPort] = await freePorts(2)
    const server = new Server(options, port!, options.tls ? tlsPort! : 0)
    try {
      await server.launch()
      return server
    } catch (error) {
      await server.stop()
      if (attempt === 5 || !String(error).includes('Address already in use')) throw error
    }
  }
}

class Server extends ChildServer implements RedisServer {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly tlsPort: number
  readonly socketPath = join(this.dir, 's')
  readonly #args: readonly string[]

  constructor(options: RedisServerOptions, port: number, tlsPort: number) {
    super('redis')
    this.port = port
    this.tlsPort = tlsPort
    this.#args = commandLine(options, this)
  }

  async launch(): Promise<void> {
    await this.run(['redis-server', ...this.#args], 'Ready to accept connections')
    await ping(this.port, this.host)
  }
}

function commandLine(options: RedisServerOptions, server: Server): string[] {
  const args = ['--port', String(server.port), '--bind', server.host, '--unixsocket', server.socketPath]
  args.push('--dir', server.dir, '--save', '', '--enable-debug-command', 'yes')
  args.push('--enable-protected-configs', 'yes', '--enable-module-command', 'yes')
  if (options.password !== undefined) args.push('--requirepass', options.password)
  if (options.tls) {
    const { cert, key, ca, clients = false } = options.tls
    args.push('--tls-port', String(server.tlsPort), '--tls-cert-file', cert, '--tls-key-file', key)
    args.push('--tls-ca-cert-file', ca, '--tls-auth-clients', clients ? 'yes' : 'no')
  }
  return [...args, ...(options.args ?? [])]
}

/** Any answer will do: a server with a password says NOAUTH. */
async function ping(port: number, host: string): Promise<void> {
  const socket = connect({ port, host })
  socket.write('PING\r\n')
  await once(socket, 'data')
  socket.destroy()
}
