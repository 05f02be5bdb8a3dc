/** TLS on connections that began without it, as MySQL's do: the protocol decides when. */
import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import { ProxyError } from '../errors.ts'
import type { ServerTls } from './tls.ts'

/** Longer than a login may take: whoever upgrades a connection has a deadline of its own. */
const TIMEOUT_MS = 60_000

interface Upgrade {
  resolve(socket: TLSSocket): void
  reject(reason: string): void
}

/** One of Node's servers stands behind it, as only these check client certificates; peers tell its sockets apart. */
export class TlsUpgrade {
  readonly #server: Server
  readonly #pending = new Map<string, Upgrade>()

  constructor(tls: ServerTls) {
    this.#server = tls.server(TIMEOUT_MS)
    this.#server.on('secureConnection', socket => this.#pending.get(peerOf(socket))?.resolve(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#pending.get(peerOf(socket))?.reject(error.message))
  }

  /** Rejects with ProxyError `tls-handshake`, the socket being destroyed. For TCP only: unix sockets have no peers. */
  secure(plain: Socket): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const peer = peerOf(plain)
      const onClose = () => this.#pending.get(peer)?.reject('the client closed the connection')
      const settle = () => {
        this.#pending.delete(peer)
        plain.off('close', onClose)
      }
      this.#pending.set(peer, {
        resolve(socket) {
          settle()
          resolve(socket)
        },
        reject(reason) {
          settle()
          plain.destroy()
          reject(new ProxyError('tls-handshake', `TLS handshake: ${reason}`, { source: 'downstream' }))
        },
      })
      plain.once('close', onClose)
      this.#server.emit('connection', plain)
    })
  }
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`
