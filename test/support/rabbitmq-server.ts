/**
 * A real, private RabbitMQ for tests: free loopback ports and a temporary folder; its data stays over restarts. Ended and
 * cleared away by stop(), at the latest when the process exits.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import type { RealServer } from './child-server.ts'

const INSTALLED = '/usr/lib/rabbitmq/lib'

export interface RabbitmqServer extends RealServer {
  readonly port: number
  readonly address: string
  /** Runs rabbitmqctl. */
  control(...args: string[]): Promise<void>
}

/** Resolves when it serves; rejects with its own output if it does not start. */
export async function startRabbitmq(): Promise<RabbitmqServer> {
  const [port, distribution, mapper] = await freePorts(3)
  const server = new Server(port!, distribution!, mapper!)
  try {
    await server.launch()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

class Server implements RabbitmqServer {
  readonly port: number
  readonly address: string
  readonly #dir = mkdtempSync(join(tmpdir(), 'rabbitmq-'))
  readonly #programs: string
  readonly #env: NodeJS.ProcessEnv
  /** Erlang's port mapper; the server would start one that outlives it. */
  readonly #mapper: ChildProcess
  #child: ChildProcess | undefined

  constructor(port: number, distribution: number, mapper: number) {
    this.port = port
    this.address = `127.0.0.1:${port}`
    // Debian's own scripts insist on the user rabbitmq.
    const release = readdirSync(INSTALLED).find(name => name.startsWith('rabbitmq_server-'))!
    this.#programs = join(INSTALLED, release, 'sbin')
    const home = join(this.#dir, 'home')
    mkdirSync(home)
    this.#env = {
      ...process.env,
      HOME: home,
      ERL_EPMD_PORT: String(mapper),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `portolan-${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: join(this.#dir, 'data'),
      RABBITMQ_LOG_BASE: join(this.#dir, 'log'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_ENABLED_PLUGINS_FILE: join(this.#dir, 'plugins'),
      RABBITMQ_CONFIG_FILE: join(this.#dir, 'config'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(this.#dir, 'advanced'),
      RABBITMQ_CONF_ENV_FILE: join(this.#dir, 'env'),
    }
    this.#mapper = spawn('epmd', ['-port', String(mapper), '-address', '127.0.0.1'], { stdio: 'ignore' })
    this.#mapper.on('error', () => {})
    process.once('exit', this.#clear)
  }

  async launch(): Promise<void> {
    // A group of its own: the script has the server as a child.
    const child = spawn(join(this.#programs, 'rabbitmq-server'), {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => reject(new Error(`RabbitMQ ended:\n${output}`)))
      const hear = (text: string) => {
        if (output.length < 262_144) output += text
        if (/Server startup complete/.test(output)) resolve()
      }
      child.stdout.setEncoding('utf8').on('data', hear)
      child.stderr.setEncoding('utf8').on('data', hear)
    })
  }

  async stop(): Promise<void> {
    await this.kill()
    this.#mapper.kill('SIGKILL')
    process.off('exit', this.#clear)
    this.#clear()
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    // Its pipes are closed when all of the group have ended.
    const ended = once(child, 'close')
    process.kill(-child.pid, 'SIGKILL')
    await ended
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.launch()
  }

  pause(): void {
    process.kill(-this.#child!.pid!, 'SIGSTOP')
  }

  resume(): void {
    process.kill(-this.#child!.pid!, 'SIGCONT')
  }

  async control(...args: string[]): Promise<void> {
    const child = spawn(join(this.#programs, 'rabbitmqctl'), args, { env: this.#env, stdio: 'ignore' })
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`rabbitmqctl ${args.join(' ')}: ${code}`)
  }

  readonly #clear = (): void => {
    this.#mapper.kill('SIGKILL')
    if (this.#child?.pid !== undefined) {
      try {
        process.kill(-this.#child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
