/**
 * Dials an upstream: name resolution, TCP or unix socket, PROXY header, TLS, all under one deadline. Failures come out
 * as ProxyError with one of five codes: upstream-resolve, upstream-refused, upstream-timeout, upstream-unreachable,
 * upstream-tls.
 */
import { connect as netConnect, type OnReadOpts, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { Address } from '../config/index.ts'
import { ProxyError } from '../errors.ts'
import { formatAddress } from './address.ts'
import type { ClientTls } from './tls.ts'

export interface ConnectTarget {
  readonly address: Address
  readonly tls?: ClientTls | undefined
  /** Everything until the connection can be used, in milliseconds. */
  readonly connectTimeoutMs: number
  /** Default true. */
  readonly noDelay?: boolean | undefined
  /** TCP keep-alive after this many idle milliseconds; off when not given. */
  readonly keepAliveMs?: number | undefined
  /** Sent first, in the clear, as the PROXY protocol demands. */
  readonly proxyHeader?: Buffer | undefined
  /** Reads into the caller's buffer. A TLS connection ignores it: take its 'data' events. */
  readonly onread?: OnReadOpts | undefined
  /** Whether the peer's FIN leaves our direction open. Default false. */
  readonly allowHalfOpen?: boolean | undefined
}

/** How a dial ends; exactly one of the two is called, unless the caller cancels. */
export interface ConnectSink {
  /** The socket is usable, and has no listeners but the caller's own to come: add 'error' and 'close' at once. */
  onConnected(socket: Socket): void
  onFailed(error: ProxyError): void
}

/** Begins to dial. Returns a function that cancels: after it neither method of the sink is called. */
export function connect(target: ConnectTarget, sink: ConnectSink): () => void {
  const { address, tls } = target
  let stage: Stage = 'connect'
  let live: Socket

  const deadline = setTimeout(() => fail(timedOut(target, stage)), target.connectTimeoutMs)
  const settle = (): boolean => {
    if (stage === 'settled') return false
    stage = 'settled'
    clearTimeout(deadline)
    return true
  }
  const fail = (error: ProxyError): void => {
    if (!settle()) return
    live.destroy()
    sink.onFailed(error)
  }
  const onError = (cause: Error): void => fail(explain(target, stage, cause))
  const onClose = (): void => fail(explain(target, stage, undefined))
  const succeed = (): void => {
    if (!settle()) return
    live.off('error', onError)
    live.off('close', onClose)
    sink.onConnected(live)
  }

  const plain = netConnect({
    ...('path' in address
      ? { path: address.path }
      : { host: address.host, port: address.port, autoSelectFamily: true }),
    // Node's 250 ms would give up on every address but the last one of a distant host.
    autoSelectFamilyAttemptTimeout: Math.max(250, Math.floor(target.connectTimeoutMs / 4)),
    noDelay: target.noDelay ?? true,
    allowHalfOpen: target.allowHalfOpen ?? false,
    ...(target.keepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: target.keepAliveMs }),
    ...(target.onread === undefined || tls !== undefined ? {} : { onread: target.onread }),
  })
  live = plain
  plain.on('error', onError)
  plain.on('close', onClose)
  plain.once('connect', () => {
    if (target.proxyHeader) plain.write(target.proxyHeader)
    if (!tls) return succeed()
    stage = 'tls'
    plain.off('close', onClose)
    live = tlsConnect({ ...tls.options(address), socket: plain })
    live.on('error', onError)
    live.on('close', onClose)
    live.once('secureConnect', succeed)
  })

  return () => {
    if (settle()) live.destroy()
  }
}

/** The same as a promise, for callers off the hot path. Rejects with ProxyError. */
export function connected(target: ConnectTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connect(target, { onConnected: resolve, onFailed: reject })
  })
}

type Stage = 'connect' | 'tls' | 'settled'

const REASONS: Readonly<Record<string, readonly [code: string, reason: string]>> = {
  ENOTFOUND: ['upstream-resolve', 'the name does not exist in DNS'],
  EAI_AGAIN: ['upstream-resolve', 'DNS did not answer'],
  ECONNREFUSED: ['upstream-refused', 'connection refused; nothing listens there'],
  ENOENT: ['upstream-refused', 'no such socket file'],
  ENOTSOCK: ['upstream-refused', 'the file is not a socket'],
  ECONNRESET: ['upstream-refused', 'the peer closed the connection at once'],
  ETIMEDOUT: ['upstream-timeout', 'no answer'],
  EHOSTUNREACH: ['upstream-unreachable', 'no route to the host'],
  ENETUNREACH: ['upstream-unreachable', 'no route to the network'],
  EADDRNOTAVAIL: ['upstream-unreachable', 'no local address or port is left'],
  EACCES: ['upstream-unreachable', 'permission denied by the system'],
  EPERM: ['upstream-unreachable', 'forbidden by a local firewall'],
  EMFILE: ['upstream-unreachable', 'this process has no file descriptors left; raise its limit (ulimit -n)'],
}

function explain(target: ConnectTarget, stage: Stage, cause: Error | undefined): ProxyError {
  const where = formatAddress(target.address)
  if (stage === 'tls') {
    const reason =
      cause === undefined || errorCode(cause) === 'ECONNRESET'
        ? 'the peer closed the connection in the handshake; does it speak TLS on this port?'
        : cause.message
    return upstreamError('upstream-tls', `TLS with ${where} failed: ${reason}`, cause)
  }
  const code = cause && errorCode(cause)
  const [word, reason] = (code && REASONS[code]) || [
    'upstream-unreachable',
    cause ? cause.message : 'the connection closed at once',
  ]
  return upstreamError(word, `cannot connect to ${where}: ${reason}`, cause)
}

function timedOut({ address, connectTimeoutMs }: ConnectTarget, stage: Stage): ProxyError {
  const where = formatAddress(address)
  if (stage === 'tls') {
    const text = `TLS with ${where} failed: no answer within ${connectTimeoutMs} ms; does it speak TLS on this port?`
    return upstreamError('upstream-tls', text, undefined)
  }
  const text = `cannot connect to ${where}: the connection did not complete within ${connectTimeoutMs} ms`
  return upstreamError('upstream-timeout', text, undefined)
}

/** Nothing was sent but what the connection itself needs, so every failure here may be retried. */
function upstreamError(code: string, message: string, cause: Error | undefined): ProxyError {
  return new ProxyError(code, message, { source: 'upstream', retryable: true, cause })
}

/** Of several addresses tried in turn, the first one's code stands for all. */
function errorCode(error: Error): string | undefined {
  const first = error instanceof AggregateError ? error.errors[0] : error
  return (first as NodeJS.ErrnoException | undefined)?.code
}
