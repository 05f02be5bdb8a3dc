/** What most tests of an S3 listener need: a listener before a store, clients, and requests of their own making. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type * as z from 'zod/mini'
import { canonicalQuery, parseQuery, SigningSecret, signRequest } from '../../codecs/s3/index.ts'
import { s3 } from '../../listeners/s3/index.ts'
import { type S3Backend, s3BackendKind } from '../../src/backends/s3/index.ts'
import type { ListenerConfig } from '../../src/config/index.ts'
import { type Logger, silentLogger } from '../../src/observability/logger.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import { type Clock, type Listener, type Runtime, systemClock } from '../../src/protocol.ts'

export const KEY = 'local'
export const SECRET = 'local-secret'

type Input = Readonly<Record<string, unknown>>

/** close() ends everything that was made through it. */
export class S3Rig {
  readonly metrics = new Metrics()
  readonly clock: Clock
  readonly runtime: Runtime
  readonly backends = new Map<string, S3Backend>()
  listener!: Listener
  readonly #cleanups: (() => unknown)[] = []

  constructor(clock: Clock = systemClock, logger: Logger = silentLogger) {
    this.clock = clock
    this.runtime = {
      backend: name => this.backends.get(name)!,
      components: new Map(),
      bindings: new Map(),
      inventory: () => ({ components: [], listeners: [] }),
      match: () => [],
      componentKinds: [],
      metrics: this.metrics,
      logger,
      clock,
    }
  }

  /** A folder that goes with the rig. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-s3-'))
    this.#cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  async backend(name: string, options: Input): Promise<S3Backend> {
    const parsed = s3BackendKind.options.parse(options)
    const backend = s3BackendKind.build({ name, protocol: 's3', options: parsed }, this.runtime) as S3Backend
    this.backends.set(name, backend)
    this.#cleanups.push(() => backend.close(0))
    await backend.start()
    return backend
  }

  config(options: Input): ListenerConfig {
    const keys = [{ accessKeyId: KEY, secretAccessKey: { env: 'PORTOLAN_TEST_S3_SECRET' } }]
    process.env['PORTOLAN_TEST_S3_SECRET'] = SECRET
    return {
      name: 'l',
      protocol: 's3',
      address: { host: '127.0.0.1', port: 0 },
      backend: 'b',
      options: (s3.options as z.ZodMiniType).parse({ keys, ...options }),
    }
  }

  /** A listener before the embedded store, unless there is a backend `b` already. */
  async start(options: Input = {}): Promise<void> {
    if (!this.backends.has('b')) await this.backend('b', { embedded: { dataDirectory: join(this.folder(), 'data') } })
    this.listener = s3.build(this.config(options), this.runtime)
    await this.listener.start()
    this.#cleanups.push(() => this.listener.drain(0))
  }

  get port(): number {
    return Number(/:(\d+)$/.exec(this.listener.address)![1])
  }

  client(options: Partial<S3ClientConfig> = {}): S3Client {
    const client = new S3Client({
      endpoint: `http://127.0.0.1:${this.port}`,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: KEY, secretAccessKey: SECRET },
      ...options,
    })
    this.#cleanups.push(() => client.destroy())
    return client
  }

  /** Sends bytes on a connection of their own, and returns the answers until the listener closes or `until` holds. */
  async raw(bytes: string | Buffer | readonly Buffer[], until?: (text: string) => boolean): Promise<string> {
    const socket = this.socket()
    let text = ''
    const answered = new Promise<string>((resolve, reject) => {
      socket.on('data', chunk => {
        text += chunk.toString('latin1')
        if (until?.(text)) resolve(text)
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
    for (const piece of Array.isArray(bytes) ? bytes : [bytes]) socket.write(piece as Buffer)
    return answered.finally(() => socket.destroy())
  }

  socket(): Socket {
    const socket = connect(this.port, '127.0.0.1')
    this.#cleanups.push(() => socket.destroy())
    return socket
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup()
  }
}

export interface OwnRequest {
  readonly method: string
  /** Encoded, with its query. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  /** What x-amz-content-sha256 says. */
  readonly contentSha256: string
  readonly host?: string
  readonly secret?: string
  readonly accessKey?: string
  readonly time?: number
}

/** The head of a request, signed, up to and with its empty line; with what its chunks are signed by. */
export function signedHead({
  method,
  target,
  headers = {},
  contentSha256,
  host = 'localhost',
  secret = SECRET,
  accessKey = KEY,
  time = Date.now(),
}: OwnRequest) {
  const [path = '', search = ''] = target.split('?')
  const signed = Object.entries(headers).flat()
  const seed = signRequest(
    { method, host, path, query: canonicalQuery(parseQuery(search)), headers: signed, contentSha256 },
    { accessKey, secret: new SigningSecret(secret), sessionToken: undefined, region: 'us-east-1' },
    time,
  )
  let head = `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n`
  for (let at = 0; at < signed.length; at += 2) head += `${signed[at]}: ${signed[at + 1]}\r\n`
  return { head: `${head}\r\n`, seed }
}
