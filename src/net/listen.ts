/**
 * Binds an address and hands out connections that are ready for their protocol: counted against the limit, with the
 * PROXY header of a trusted peer read and TLS established. Every socket has an error handler from its first moment.
 */
import { chmodSync, unlinkSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import type { ProxyHeader } from '../../codecs/proxy-protocol/index.ts'
import type { Address } from '../config/index.ts'
import type { Logger } from '../observability/logger.ts'
import type { Cell, Metrics } from '../observability/metrics.ts'
import { type Accepted, Arrival } from './accepted.ts'
import { formatAddress } from './address.ts'
import { isStale, listenError } from './listen-error.ts'
import type { PeerFilter } from './peer-filter.ts'
import { readProxyHeader } from './proxy-in.ts'
import { Refusals } from './refusals.ts'
import type { ServerTls } from './tls.ts'

export interface ListenOptions {
  /** The listener's name: for errors and as a metric label. */
  readonly name: string
  readonly address: Address
  readonly logger: Logger
  readonly metrics: Metrics
  /** What may change while listening. */
  readonly limits: ListenLimits
}

/** All that a reload may change without binding anew. */
export interface ListenLimits {
  readonly maxConnections: number
  /** For the PROXY header and for the TLS handshake, each, in milliseconds. */
  readonly handshakeTimeoutMs: number
  /** TCP keep-alive after this many idle milliseconds; off when not given. */
  readonly keepAliveMs?: number | undefined
  readonly tls?: ServerTls | undefined
  /** Protocols to offer in the TLS handshake (ALPN). */
  readonly alpn?: readonly string[] | undefined
  /** Peers that must send a PROXY header; all others are taken as they are. With TLS, not for unix sockets. */
  readonly proxyFrom?: PeerFilter | undefined
}

export interface ListenSink {
  /**
   * Takes a connection over; it is paused. Returns the socket whose 'close' ends it: the given one, unless the handle
   * was moved to another.
   */
  onConnection(accepted: Accepted): Socket
  /** Answers one connection too many in the protocol's words and ends the socket. Without it, it is just closed. */
  readonly refuse?: (socket: Socket) => void
}

export interface Bound {
  /** As bound: with the port that the system chose, if it was 0. */
  readonly address: string
  /** Connections open now, those in a handshake included. */
  readonly connections: number
  /** Applies to connections to come. */
  update(limits: ListenLimits): void
  /** Stops accepting; connections go on. Resolves when the address is free. */
  close(): Promise<void>
}

/** Binds. Rejects with ProxyError, its code beginning with `listen-`, whose message says what to do. */
export async function listen(options: ListenOptions, sink: ListenSink): Promise<Bound> {
  const door = new Door(options, sink)
  await door.bind()
  return door
}

class Door implements Bound {
  readonly #options: ListenOptions
  readonly #sink: ListenSink
  readonly #server: Server
  readonly #open: Cell
  readonly #accepted: Cell
  readonly #refused: Cell
  readonly #failed: Cell
  #limits: ListenLimits
  readonly #headers = new Map<string, ProxyHeader>()
  #tlsServer: TlsServer | undefined
  #connections = 0
  readonly #refusals = new Refusals()

  constructor(options: ListenOptions, sink: ListenSink) {
    this.#options = options
    this.#sink = sink
    const { name, metrics } = options
    this.#open = metrics.cell('portolan_downstream_connections', { listener: name })
    this.#accepted = metrics.cell('portolan_downstream_connections_total', { listener: name, outcome: 'accepted' })
    this.#refused = metrics.cell('portolan_downstream_connections_total', { listener: name, outcome: 'refused' })
    this.#failed = metrics.cell('portolan_downstream_connections_total', { listener: name, outcome: 'failed' })
    this.#limits = options.limits
    this.#tlsServer = this.#createTlsServer()
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, socket =>
      this.#accept(socket),
    )
  }

  get connections(): number {
    return this.#connections
  }

  get address(): string {
    const bound = this.#server.address()
    if (bound === null) return formatAddress(this.#options.address)
    return typeof bound === 'string' ? bound : formatAddress({ host: bound.address, port: bound.port })
  }

  async bind(): Promise<void> {
    const { address, name, logger } = this.#options
    try {
      await this.#tryBind(address)
    } catch (error) {
      if (!('path' in address) || !(await isStale(address.path, error as NodeJS.ErrnoException))) {
        throw listenError(name, address, error as NodeJS.ErrnoException)
      }
      unlinkSync(address.path)
      await this.#tryBind(address).catch(cause => {
        throw listenError(name, address, cause)
      })
    }
    // Running out of file descriptors, say: this connection is lost, the next may come.
    this.#server.on('error', error => logger.error({ reason: error.message }, 'connection not accepted'))
    if ('path' in address) chmodSync(address.path, 0o660)
  }

  update(limits: ListenLimits): void {
    const changed = limits.tls !== this.#limits.tls || limits.handshakeTimeoutMs !== this.#limits.handshakeTimeoutMs
    this.#limits = limits
    if (changed) this.#tlsServer = this.#createTlsServer()
  }

  close(): Promise<void> {
    // The callback would wait for every connection; the address is free as soon as the handle is closed.
    this.#server.close()
    return new Promise(resolve => setImmediate(resolve))
  }

  #tryBind(address: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen('path' in address ? { path: address.path } : { ...address, backlog: 4096 }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  #accept(socket: Socket): void {
    socket.on('error', ignore)
    if (this.#connections >= this.#limits.maxConnections) {
      this.#refuse(socket)
      return
    }
    this.#connections++
    this.#open.value++
    socket.on('close', this.#leave)
    const { keepAliveMs, proxyFrom, handshakeTimeoutMs } = this.#limits
    if (keepAliveMs !== undefined) socket.setKeepAlive(true, keepAliveMs)
    if (proxyFrom?.has(socket.remoteAddress)) {
      readProxyHeader(socket, handshakeTimeoutMs, {
        onHeader: header => this.#secure(socket, header),
        onFailed: reason => this.#fail(socket, reason),
      })
    } else {
      this.#secure(socket, undefined)
    }
  }

  /** The end of a connection's count. One function for all sockets: each has but one that emits 'close'. */
  readonly #leave = (): void => {
    this.#connections--
    this.#open.value--
  }

  #secure(socket: Socket, header: ProxyHeader | undefined): void {
    if (this.#tlsServer) {
      if (header) {
        const key = peerKey(socket)
        this.#headers.set(key, header)
        socket.once('close', () => this.#headers.delete(key))
      }
      this.#tlsServer.emit('connection', socket)
      return
    }
    this.#accepted.value++
    const carrier = this.#sink.onConnection(new Arrival(socket, header === undefined, header))
    if (carrier === socket) return
    socket.off('close', this.#leave)
    carrier.on('close', this.#leave)
  }

  #createTlsServer(): TlsServer | undefined {
    const { tls, handshakeTimeoutMs, alpn } = this.#limits
    const server = tls?.server(handshakeTimeoutMs, alpn)
    server?.on('tlsClientError', (error, socket) => this.#fail(socket, `TLS handshake: ${error.message}`))
    server?.on('secureConnection', socket => {
      socket.on('error', ignore)
      socket.pause()
      this.#accepted.value++
      this.#sink.onConnection(new Arrival(socket, false, this.#headers.get(peerKey(socket))))
    })
    return server
  }

  #fail(socket: Socket, reason: string): void {
    this.#failed.value++
    this.#options.logger.debug({ peer: socket.remoteAddress, reason }, 'connection failed before its protocol began')
    socket.destroy()
  }

  #refuse(socket: Socket): void {
    this.#refused.value++
    // Words in the clear would be noise to a peer that begins a TLS handshake.
    if (this.#sink.refuse && !this.#tlsServer) this.#refusals.refuse(socket, this.#sink.refuse)
    else socket.destroy()
  }
}

/** Leads from a TLS socket to the header that came before its handshake; unix sockets have no such key. */
function peerKey(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

const ignore = (): void => {}
