/** Looks at a Redis backend for `check --probe` and before a reload: connects, authenticates, asks who it is. */
import type { createConnection } from 'node:net'
import { decodeReply, encodeCommand, ReplyError, ReplyScanner } from '../../../codecs/redis/index.ts'
import { type Address, readSecret } from '../../config/index.ts'
import type { ProxyError } from '../../errors.ts'
import { type ClientTls, connected, formatAddress } from '../../net/index.ts'
import type { EndpointProbe, ProbeReport } from '../../protocol.ts'
import type { RedisBackendOptions } from './options.ts'

type Failure = NonNullable<EndpointProbe['failure']>

export async function probe(
  addresses: readonly Address[],
  options: RedisBackendOptions,
  tls: ClientTls | undefined,
  timeoutMs: number,
): Promise<ProbeReport> {
  const endpoints = await Promise.all(addresses.map(address => probeEndpoint(address, options, tls, timeoutMs)))
  return { ok: endpoints.some(endpoint => endpoint.ok), endpoints }
}

async function probeEndpoint(
  address: Address,
  options: RedisBackendOptions,
  tls: ClientTls | undefined,
  timeoutMs: number,
): Promise<EndpointProbe> {
  const where = formatAddress(address)
  const failed = (failure: Failure): EndpointProbe => ({ address: where, ok: false, failure })
  let password: string | undefined
  try {
    password = options.credentials && (await readSecret(options.credentials.password))
  } catch (error) {
    return failed({
      stage: 'authenticate',
      cause: (error as Error).message,
      next: 'make the secret readable for the user that runs Portolan',
    })
  }
  let connection: Connection
  try {
    connection = new Connection(await connected({ address, tls, connectTimeoutMs: timeoutMs }), timeoutMs)
  } catch (error) {
    return failed(explainConnect(error as ProxyError))
  }
  try {
    if (password !== undefined) {
      const user = options.credentials!.username
      const reply = await connection.ask(user === undefined ? ['AUTH', password] : ['AUTH', user, password])
      if (reply instanceof ReplyError)
        return failed({
          stage: 'authenticate',
          cause: reply.message,
          next: 'check credentials.username and credentials.password of this backend',
        })
    }
    const started = performance.now()
    const pong = await connection.ask(['PING'])
    const latencyMs = performance.now() - started
    if (pong instanceof ReplyError) {
      const auth = /^NOAUTH/.test(pong.message)
      return failed({
        stage: auth ? 'authenticate' : 'query',
        cause: pong.message,
        next: auth ? 'give this backend credentials.password' : 'wait until the server answers PING, then try again',
      })
    }
    const info = facts(String(await connection.ask(['INFO'])))
    const role = info.get('role') ?? 'unknown role'
    const product = info.has('valkey_version') ? 'valkey' : 'redis'
    const resp3 = !((await connection.ask(['HELLO', '3'])) instanceof ReplyError)
    return {
      address: where,
      ok: true,
      version: `${product} ${info.get('valkey_version') ?? info.get('redis_version') ?? 'of unknown version'}`,
      latencyMs,
      topology: `${info.get('redis_mode') ?? 'standalone'}, ${role === 'master' ? 'primary' : role}, ${info.get('connected_slaves') ?? 0} replicas`,
      facts: {
        RESP3: resp3 ? 'yes' : 'no',
        memory: info.get('used_memory_human') ?? 'unknown',
        'maxmemory policy': info.get('maxmemory_policy') ?? 'unknown',
      },
    }
  } catch (error) {
    return failed({
      stage: 'query',
      cause: (error as Error).message,
      next: 'see whether a Redis-compatible server listens on this address, and whether it wants TLS',
    })
  } finally {
    connection.close()
  }
}

function explainConnect(error: ProxyError): Failure {
  const stage = error.code === 'upstream-resolve' ? 'resolve' : error.code === 'upstream-tls' ? 'tls' : 'connect'
  const next = {
    resolve: 'check the host name, and DNS on this machine',
    connect: 'check host and port, that the server runs, and that a firewall lets this machine through',
    tls: 'check tls.ca and tls.serverName, or leave tls out if the server does not speak it',
  }[stage]
  return { stage, cause: error.message, next }
}

/** `name:value` lines of INFO. */
function facts(text: string): Map<string, string> {
  const map = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) map.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return map
}

/** One question after the other; for looking, not for traffic. */
class Connection {
  readonly #socket: ReturnType<typeof createConnection>
  readonly #scanner = new ReplyScanner()
  #bytes: Buffer = Buffer.alloc(0)
  #pending: { resolve(value: unknown): void; reject(error: Error): void } | null = null

  constructor(socket: ReturnType<typeof createConnection>, timeoutMs: number) {
    this.#socket = socket
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  ask(command: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the server closed the connection'))
      this.#pending = { resolve, reject }
      this.#socket.write(encodeCommand(command))
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    try {
      const end = this.#scanner.scan(this.#bytes, 0, this.#bytes.length)
      if (end < 0) return this.#scanner.restart()
      const reply = decodeReply(this.#bytes.subarray(0, end))
      this.#bytes = this.#bytes.subarray(end)
      const pending = this.#pending
      this.#pending = null
      pending?.resolve(reply)
    } catch (error) {
      this.#fail(new Error(`it does not answer as Redis does: ${(error as Error).message}`))
    }
  }

  #fail(error: Error): void {
    const pending = this.#pending
    this.#pending = null
    pending?.reject(error)
  }
}
