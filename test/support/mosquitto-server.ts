/**
 * A real, private mosquitto for tests: a free loopback port and a temporary folder; its data stays over restarts. Ended
 * and cleared away by stop(), at the latest when the process exits.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer, type RealServer } from './child-server.ts'

export interface MosquittoOptions {
  /** Further lines of its configuration. */
  readonly lines?: readonly string[]
}

export interface MosquittoServer extends RealServer {
  readonly port: number
  readonly address: string
  readonly dir: string
  /** SIGTERM, waited for: it writes its data down only then. restart() brings it back. */
  halt(): Promise<void>
}

/** Resolves when it serves; rejects with its own output if it does not start. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<MosquittoServer> {
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

class Server extends ChildServer implements MosquittoServer {
  readonly port: number
  readonly address: string
  readonly #configuration: string

  constructor(port: number, { lines = ['allow_anonymous true'] }: MosquittoOptions) {
    super('mosquitto')
    this.port = port
    this.address = `127.0.0.1:${port}`
    this.#configuration = join(this.dir, 'mosquitto.conf')
    const all = [
      `listener ${port} 127.0.0.1`,
      'persistence true',
      `persistence_location ${this.dir}/`,
      'log_dest stderr',
      'max_queued_messages 10000',
      // As root it would become a user who may not write to the folder.
      'user root',
      ...lines,
    ]
    writeFileSync(this.#configuration, `${all.join('\n')}\n`)
  }

  async launch(): Promise<void> {
    await this.run(['/usr/sbin/mosquitto', '-c', this.#configuration], 'running')
  }
}
