/**
 * A real, private redis-server for tests: a free loopback port and a unix socket in a temporary folder, nothing kept,
 * DEBUG, MODULE and protected CONFIG allowed. Ended and cleared away by stop(), at the latest when the process exits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RedisServerOptions {
  /** Further command line arguments, such as `['--appendonly', 'yes']`; later ones win. */
  readonly args?: readonly string[]
  readonly password?: string
  /** Files in PEM form; the server then listens with TLS on `tlsPort` too. Client certificates are asked for with `clients`. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string; readonly clients?: boolean }
}

export interface RedisServer {
  readonly host: string
  readonly port: number
  /** 0 without the `tls` option. */
  readonly tlsPort: number
  readonly socketPath: string
  /** Of the process that runs now; another one after restart(). */
  readonly pid: number
  readonly dir: string
  /** Ends the server (SIGTERM) and removes its folder. May be called twice. */
  stop(): Promise<void>
  /** Ends what still runs and starts again with the same ports and folder; data is kept only if `args` say so. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers until resume(). */
  pause(): void
  resume(): void
  /** SIGKILL, waited for; restart() brings the server back. */
  kill(): Promise<void>
}

/** Resolves when the server answers PING; rejects with the server's own output if it does not start. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const server = new Server(options, await freePort(), options.tls ? await freePort() : 0)
    try {
      await server.launch()
      return server
    } catch (error) {
      await server.stop()
      if (attempt === 5 || !String(error).includes('Address already in use')) throw error
    }
  }
}

/** A loopback port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  return address.port
}

class Server implements RedisServer {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly tlsPort: number
  readonly dir = mkdtempSync(join(tmpdir(), 'redis-'))
  readonly socketPath = join(this.dir, 's')
  readonly #args: readonly string[]
  #child: ChildProcess | undefined

  constructor(options: RedisServerOptions, port: number, tlsPort: number) {
    this.port = port
    this.tlsPort = tlsPort
    this.#args = commandLine(options, this)
    process.once('exit', this.#clear)
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('redis-server does not run')
    return this.#child.pid
  }

  async launch(): Promise<void> {
    const child = spawn('redis-server', this.#args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`redis-server ended:\n${output}`)))
      const hear = (text: string) => {
        if (output.length < 65_536) output += text
        if (output.includes('Ready to accept connections')) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', hear)
      child.stderr.setEncoding('utf8').on('data', hear)
    })
    await ping(this.port, this.host)
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    process.off('exit', this.#clear)
    this.#clear()
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.launch()
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill(signal)
    // One in a Lua loop or a blocked module does not hear SIGTERM.
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(impatience)
  }

  readonly #clear = (): void => {
    this.#child?.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
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
