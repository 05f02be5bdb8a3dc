/** Stands between Portolan and a real server and breaks connections at an exact byte. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** fin: a clean end. reset: a TCP reset. silence: both ends stay open and nothing passes any more, either way. */
export type Cut = 'fin' | 'reset' | 'silence'

interface Fault {
  readonly bytes: number
  readonly cut: Cut
  readonly onCut: () => void
}

export class FaultProxy {
  readonly #server: Server
  readonly #links = new Set<Link>()
  #fault: Fault | null = null
  #silent = false
  /** Connections accepted so far. */
  accepted = 0
  port = 0
  /** Where new connections lead; change it as a failover changes a name's address. */
  target: number

  private constructor(target: number) {
    this.target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      this.accepted++
      const link = new Link(socket, this.target, this.#fault, () => this.#disarm())
      this.#links.add(link)
      socket.on('close', () => this.#links.delete(link))
      if (this.#silent) link.silence()
    })
  }

  static async start(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target)
    await proxy.listen(0)
    return proxy
  }

  async listen(port = this.port): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
  }

  /** Open connections. */
  get connections(): number {
    return this.#links.size
  }

  /**
   * Lets `bytes` more bytes of the server pass on each connection, and cuts the first one that reaches them; the rest
   * of what the server said is lost. Resolves when that has happened.
   */
  cutAfter(bytes: number, cut: Cut): Promise<void> {
    return new Promise(resolve => {
      this.#fault = { bytes, cut, onCut: resolve }
      for (const link of this.#links) link.arm(this.#fault)
    })
  }

  /** From now on nothing passes on any connection, nor on new ones; they stay open. */
  silence(): void {
    this.#silent = true
    for (const link of this.#links) link.silence()
  }

  /** New connections pass again; those that are silent stay so. */
  speak(): void {
    this.#silent = false
  }

  /** Resets all connections at once; new ones pass. */
  reset(): void {
    for (const link of this.#links) link.cut('reset')
  }

  /** Resets all connections and refuses new ones until `listen`. */
  async refuse(): Promise<void> {
    this.#server.close()
    this.reset()
    await once(this.#server, 'close')
  }

  close(): void {
    if (this.#server.listening) this.#server.close()
    this.reset()
  }

  #disarm(): void {
    this.#fault?.onCut()
    this.#fault = null
    for (const link of this.#links) link.arm(null)
  }
}

/** One connection and its counterpart at the server. */
class Link {
  readonly #near: Socket
  readonly #far: Socket
  readonly #onCut: () => void
  #fault: Fault | null
  #left: number
  #silent = false

  constructor(near: Socket, port: number, fault: Fault | null, onCut: () => void) {
    this.#near = near
    this.#far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#fault = fault
    this.#left = fault?.bytes ?? 0
    this.#onCut = onCut
    near.on('error', () => this.#far.destroy())
    this.#far.on('error', () => near.destroy())
    near.on('close', () => this.#far.destroy())
    near.on('data', chunk => this.#silent || this.#far.write(chunk))
    near.on('end', () => this.#silent || this.#far.end())
    this.#far.on('data', chunk => this.#onServer(chunk))
    this.#far.on('end', () => this.#silent || near.end())
  }

  arm(fault: Fault | null): void {
    this.#fault = fault
    this.#left = fault?.bytes ?? 0
  }

  silence(): void {
    this.#silent = true
  }

  cut(how: Cut): void {
    if (how === 'silence') return this.silence()
    this.#silent = true
    if (how === 'reset') this.#near.resetAndDestroy()
    else this.#near.end()
    this.#far.destroy()
  }

  #onServer(chunk: Buffer): void {
    if (this.#silent) return
    const fault = this.#fault
    if (!fault || chunk.length < this.#left) {
      this.#left -= chunk.length
      this.#near.write(chunk)
      return
    }
    this.#silent = true
    const last = chunk.subarray(0, this.#left)
    const cut = () => {
      this.cut(fault.cut)
      this.#onCut()
    }
    // A reset overtakes what the peer has not read yet: it comes when that has had the time to arrive.
    if (last.length === 0) cut()
    else this.#near.write(last, () => setTimeout(cut, 20))
  }
}
