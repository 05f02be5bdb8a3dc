/** Stands between Portolan and a real server: changes what a test wants changed, and holds what is to come later. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class TamperingProxy {
  /** Sees what a client sends, and may change it in place. */
  onRequest: (bytes: Buffer) => void = () => {}
  /** Sees what the server sends, and tells what to pass on. */
  onResponse: (bytes: Buffer) => Buffer = bytes => bytes
  /** New connections reach the server when this has resolved. */
  gate: Promise<unknown> = Promise.resolve()
  /** Connections that wait for that. */
  waiting = 0
  port = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.#server = createServer(async near => {
      this.#sockets.add(near.on('error', () => {}))
      this.waiting++
      await this.gate
      this.waiting--
      const far = connect({ port: target, host: '127.0.0.1' })
      this.#sockets.add(far.on('error', () => near.destroy()))
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      near.on('data', bytes => {
        this.onRequest(bytes)
        far.write(bytes)
      })
      far.on('data', bytes => near.write(this.onResponse(bytes)))
      far.on('end', () => near.end())
    })
  }

  static async start(target: number): Promise<TamperingProxy> {
    const proxy = new TamperingProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    proxy.port = (proxy.#server.address() as AddressInfo).port
    return proxy
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
