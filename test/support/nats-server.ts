/**
 * A real, private nats-server with JetStream for tests: a free loopback port and a temporary folder; its data stays over
 * restarts. Ended and cleared away by stop(), at the latest when the process exits.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './server-processes.ts'

export interface NatsServerOptions {
  /** The only ones that may connect. */
  readonly user?: string
  readonly password?: string
}

export interface NatsServer {
  readonly address: string
  stop(): Promise<void>
  /** SIGKILL, waited for; restart() brings the server back. */
  kill(): Promise<void>
  /** Ends what still runs and starts again with the same port and data. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers until resume(). */
  pause(): void
  resume(): void
}

/** Resolves when it serves; rejects with its own output if it does not start. */
export async function startNats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const [port] = await freePorts(1)
  const server = new Server(port!, options)
  try {
    await server.launch()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

class Server implements NatsServer {
  readonly address: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'nats-'))
  readonly #args: readonly string[]
  #child: ChildProcess | undefined

  constructor(port: number, { user, password }: NatsServerOptions) {
    this.address = `127.0.0.1:${port}`
    const login = user && password ? ['--user', user, '--pass', password] : []
    this.#args = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', this.#dir, ...login]
    process.once('exit', this.#clear)
  }

  async launch(): Promise<void> {
    const child = spawn('nats-server', this.#args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`nats-server ended:\n${output}`)))
      child.stderr.setEncoding('utf8').on('data', text => {
        if (output.length < 65_536) output += text
        if (/Server is ready/.test(output)) resolve()
      })
    })
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
