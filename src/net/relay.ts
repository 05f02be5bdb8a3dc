/**
 * Passes bytes between two sockets until both directions have ended: half-close, back-pressure, and deadlines for
 * silence and for a peer that does not read. What goes wrong on one side ends the other in the same way: a reset is
 * passed on as a reset, so that nobody takes a torn stream for a whole one.
 */
import type { Socket } from 'node:net'
import { ProxyError } from '../errors.ts'
import type { Cell } from '../observability/metrics.ts'
import { Pump } from './pump.ts'
import type { Intake } from './relay-buffers.ts'
import { reset, unsentBytes, wasReset } from './socket.ts'

export interface RelaySide {
  /** Open, with allowHalfOpen, paused or with an intake that has read nothing yet. */
  readonly socket: Socket
  /** Reads the socket when it is plain; without it, its 'data' events do. */
  readonly intake?: Intake | undefined
  /** Counts the bytes read from this side. */
  readonly counter?: Cell
  /** Sees the bytes read from this side. */
  readonly tap?: (bytes: Buffer) => void
}

export interface RelayLimits {
  /** No byte in either direction for so long ends the relay; 0 is never. */
  readonly idleTimeoutMs: number
  /** A peer that takes nothing of what waits for it for so long is cut off. */
  readonly writeStallMs: number
}

export interface RelayOptions {
  readonly downstream: RelaySide
  readonly upstream: RelaySide
  readonly limits: RelayLimits
  /** Both sockets are closed; undefined after a clean end. */
  onClosed(error: ProxyError | undefined): void
}

export class Relay {
  readonly #options: RelayOptions
  readonly #up: Direction
  readonly #down: Direction
  #phase: 'open' | 'failed' | 'closed' = 'open'
  #openSides = 2
  #error: ProxyError | undefined
  #seenBytes = -1
  #activeAt = 0

  /** Begins to relay. */
  constructor(options: RelayOptions) {
    this.#options = options
    const { downstream, upstream } = options
    this.#up = new Direction(downstream, upstream.socket)
    this.#down = new Direction(upstream, downstream.socket)
    this.#watch(downstream.socket, upstream.socket, 'downstream')
    this.#watch(upstream.socket, downstream.socket, 'upstream')
    this.#up.start()
    this.#down.start()
  }

  get bytesUp(): number {
    return this.#up.pump.bytes
  }

  get bytesDown(): number {
    return this.#down.pump.bytes
  }

  /** Enforces the deadlines; to be called now and then, with a monotonic time in milliseconds. */
  check(now: number): void {
    if (this.#phase !== 'open') return
    const { idleTimeoutMs, writeStallMs } = this.#options.limits
    for (const direction of [this.#up, this.#down]) {
      if (direction.stalledFor(now) < writeStallMs) continue
      const who = direction === this.#up ? 'the backend' : 'the application'
      this.destroy(new ProxyError('write-stall', `${who} took no bytes for ${writeStallMs} ms`, { source: 'portolan' }))
      return
    }
    const bytes = this.bytesUp + this.bytesDown
    if (bytes !== this.#seenBytes || this.#up.waiting || this.#down.waiting) {
      this.#seenBytes = bytes
      this.#activeAt = now
    } else if (idleTimeoutMs > 0 && now - this.#activeAt >= idleTimeoutMs) {
      // Nothing is under way: an ordinary end will do.
      this.#fail(new ProxyError('idle-timeout', `no byte passed for ${idleTimeoutMs} ms`, { source: 'portolan' }))
      this.#options.downstream.socket.destroy()
      this.#options.upstream.socket.destroy()
    }
  }

  /** Ends both sides at once. */
  destroy(error: ProxyError): void {
    this.#fail(error)
    reset(this.#options.downstream.socket)
    reset(this.#options.upstream.socket)
  }

  #watch(socket: Socket, other: Socket, source: 'downstream' | 'upstream'): void {
    // A TLS peer may have said its last word before the relay began.
    if (socket.readableEnded) other.end()
    else {
      socket.on('end', () => {
        if (!wasReset(socket)) other.end()
        else this.destroy(new ProxyError(`${source}-lost`, `${source} connection lost: reset`, { source }))
      })
    }
    socket.on('error', cause => {
      this.#fail(new ProxyError(`${source}-lost`, `${source} connection lost: ${cause.message}`, { source, cause }))
    })
    socket.on('close', () => {
      const whole = socket.readableEnded && socket.writableFinished
      if (!whole) {
        this.#fail(new ProxyError(`${source}-lost`, `${source} connection closed too early`, { source }))
        reset(other)
      }
      if (--this.#openSides === 0) this.#close()
    })
  }

  /** Remembers the first error: the others follow from it. */
  #fail(error: ProxyError): void {
    if (this.#phase !== 'open') return
    this.#phase = 'failed'
    this.#error = error
  }

  #close(): void {
    this.#phase = 'closed'
    this.#options.downstream.intake?.close()
    this.#options.upstream.intake?.close()
    this.#options.onClosed(this.#error)
  }
}

/** One source and the pump to its target. */
class Direction {
  readonly pump: Pump
  readonly #source: RelaySide
  readonly #target: Socket
  #waiting = false
  #delivered = 0
  #progressAt = 0

  constructor(source: RelaySide, target: Socket) {
    this.#source = source
    this.#target = target
    this.pump = new Pump({
      target,
      ...(source.counter && { counter: source.counter }),
      ...(source.tap && { tap: source.tap }),
      onDrained: () => {
        source.intake?.drained()
        source.socket.resume()
      },
    })
  }

  start(): void {
    const { socket, intake } = this.#source
    if (intake) intake.attach(this.pump)
    else {
      socket.on('data', chunk => {
        if (!this.pump.push(chunk, true)) socket.pause()
      })
    }
    socket.resume()
  }

  /** True if something waited for the target at the last call of stalledFor. */
  get waiting(): boolean {
    return this.#waiting
  }

  /** How long the target has taken nothing although something waits; as exact as the calls are frequent. */
  stalledFor(now: number): number {
    const unsent = unsentBytes(this.#target)
    const delivered = this.pump.bytes - unsent
    this.#waiting = unsent > 0
    if (!this.#waiting || delivered !== this.#delivered) {
      this.#delivered = delivered
      this.#progressAt = now
    }
    return now - this.#progressAt
  }
}
