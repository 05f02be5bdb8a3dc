/**
 * A real, private nats-server with JetStream for tests: a free loopback port and a temporary folder; its data stays over
 * restarts. Ended and cleared away by stop(), at the latest when the process exits.
 */
import { freePorts } from '../../scripts/ports.mjs'
import { ChildServer, type RealServer } from './child-server.ts'

export interface NatsServerOptions {
  /** The only ones that may connect. */
  readonly user?: string
  readonly password?: string
  /** It demands TLS, with files in PEM form. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export interface NatsServer extends RealServer {
  readonly address: string
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

class Server extends ChildServer implements NatsServer {
  readonly address: string
  readonly #args: readonly string[]

  constructor(port: number, { user, password, tls }: NatsServerOptions) {
    super('nats')
    this.address = `127.0.0.1:${port}`
    const login = user && password ? ['--user', user, '--pass', password] : []
    const secure = tls ? ['--tls', '--tlscert', tls.cert, '--tlskey', tls.key] : []
    this.#args = [
      '--addr',
      '127.0.0.1',
      '--port',
      String(port),
      '--jetstream',
      '--store_dir',
      this.dir,
      ...login,
      ...secure,
    ]
  }

  async launch(): Promise<void> {
    await this.run(['nats-server', ...this.#args], 'Server is ready')
  }
}
