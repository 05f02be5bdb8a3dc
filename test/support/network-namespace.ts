/** A network namespace with one cable to here, which can be cut: only root may have one, where iproute2 is installed. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

let made = 0

export class NetworkNamespace {
  readonly #name: string
  readonly #cable: string
  /** This end's address. */
  readonly here: string
  readonly #relays: Server[] = []
  readonly #sockets = new Set<Socket>()

  private constructor(index: number) {
    this.#name = `portolan-${process.pid}-${index}`
    this.#cable = `pl${process.pid % 100_000}x${index}`
    // Of the addresses that are for tests of networks.
    this.here = `198.18.${process.pid % 256}.${(index * 4 + 1) % 256}`
  }

  /** Undefined where there can be none. */
  static create(): NetworkNamespace | undefined {
    const namespace = new NetworkNamespace(made++)
    try {
      namespace.#build()
      return namespace
    } catch {
      namespace.#remove()
      return undefined
    }
  }

  /** What to put before a command, so that it runs in there. */
  get prefix(): readonly [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.#name]
  }

  /** An address that can be reached from in there, and leads to a port of this machine's loopback. */
  async lead(port: number): Promise<string> {
    const relay = createServer(socket => {
      const onward = connect(port, '127.0.0.1')
      for (const each of [socket, onward]) {
        this.#sockets.add(each)
        each.on('error', () => {})
        each.on('close', () => this.#sockets.delete(each))
      }
      socket.pipe(onward).pipe(socket)
    }).listen(0, this.here)
    this.#relays.push(relay)
    await once(relay, 'listening')
    return `${this.here}:${(relay.address() as { port: number }).port}`
  }

  cut(): void {
    ip('link', 'set', this.#cable, 'down')
  }

  mend(): void {
    ip('link', 'set', this.#cable, 'up')
  }

  remove(): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const relay of this.#relays) relay.close()
    this.#remove()
  }

  #build(): void {
    const there = this.here.replace(/\d+$/, last => String(Number(last) + 1))
    ip('netns', 'add', this.#name)
    ip('link', 'add', this.#cable, 'type', 'veth', 'peer', 'name', 'cable', 'netns', this.#name)
    ip('addr', 'add', `${this.here}/30`, 'dev', this.#cable)
    ip('link', 'set', this.#cable, 'up')
    ip('-n', this.#name, 'addr', 'add', `${there}/30`, 'dev', 'cable')
    ip('-n', this.#name, 'link', 'set', 'cable', 'up')
  }

  #remove(): void {
    try {
      ip('netns', 'del', this.#name)
    } catch {
      // It was never there.
    }
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'ignore' })
}
