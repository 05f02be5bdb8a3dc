/** Stands before a real MySQL or MariaDB server and takes capabilities out of its greeting, as an older one has none. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Capabilities, decodeGreeting, difference, encodeGreeting } from '../../codecs/mysql/index.ts'

export class GreetingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  port = 0

  private constructor(target: number, without: Capabilities) {
    this.#server = createServer(near => {
      const far = connect({ port: target, host: '127.0.0.1' })
      for (const socket of [near, far]) this.#sockets.add(socket.on('error', () => {}))
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      far.once('data', (greeting: Buffer) => {
        const { authPlugin, ...rest } = decodeGreeting(greeting.subarray(4), 0, greeting.length - 4)
        const capabilities = difference(rest.capabilities, without)
        near.write(encodeGreeting({ ...rest, authPlugin, capabilities }))
        far.pipe(near)
        near.pipe(far)
      })
    })
  }

  static async start(target: number, without: Capabilities): Promise<GreetingProxy> {
    const proxy = new GreetingProxy(target, without)
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
