/** The whole application in this process: listeners on free ports, over whatever endpoints a test gives. */
import type * as z from 'zod/mini'
import { mysql } from '../../listeners/mysql/index.ts'
import { redis } from '../../listeners/redis/index.ts'
import { tcp } from '../../listeners/tcp/index.ts'
import { type App, createApp, type ReloadOptions } from '../../src/app.ts'
import { mysqlBackendKind } from '../../src/backends/mysql/index.ts'
import { redisBackendKind } from '../../src/backends/redis/index.ts'
import { tcpBackendKind } from '../../src/backends/tcp/index.ts'
import type { AppConfig } from '../../src/config/index.ts'
import type { LogFields, Logger } from '../../src/observability/logger.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import type { BackendStatus } from '../../src/protocol.ts'
import { FaultProxy } from './fault-proxy.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis-server.ts'
import { RespClient, type RespTarget } from './resp-client.ts'

type Input = Readonly<Record<string, unknown>>

export interface PortolanSetup {
  /** Default `redis`. */
  readonly protocol?: 'redis' | 'mysql'
  /** Ports of servers on this machine, or endpoints as written in a configuration. */
  readonly endpoints: readonly (number | string)[]
  /** Options as written in a configuration. */
  readonly listener?: Input
  readonly backend?: Input
  readonly graceMs?: number
}

export interface LogLine extends LogFields {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
}

/** Listeners by name, each with a backend of the same name. */
export type Setups = Readonly<Record<string, PortolanSetup>>

const registry = {
  protocols: [mysql, redis, tcp],
  backendKinds: [mysqlBackendKind, redisBackendKind, tcpBackendKind],
  componentKinds: [],
}
const OPTIONS = {
  redis: { listener: redis.options as z.ZodMiniType, backend: redisBackendKind.options as z.ZodMiniType },
  mysql: { listener: mysql.options as z.ZodMiniType, backend: mysqlBackendKind.options as z.ZodMiniType },
}

export class Portolan {
  readonly app: App
  readonly metrics = new Metrics()
  readonly log: LogLine[] = []
  #setups: Setups

  constructor(setups: Setups, requires: AppConfig['requires'] = []) {
    this.#setups = setups
    this.app = createApp(
      { ...config(setups), requires },
      { ...registry, metrics: this.metrics, logger: recorder(this.log) },
    )
  }

  port(listener = 'main'): number {
    return Number(this.app.generation.listeners.get(listener)!.listener.address.split(':').at(-1))
  }

  /** How many clients a listener has. */
  connections(listener = 'main'): number {
    return this.app.generation.listeners.get(listener)!.listener.status().connections
  }

  status(backend = 'main'): BackendStatus {
    return this.app.generation.backends.get(backend)!.backend.status()
  }

  /** Reloads with parts of the setup of `main` changed; rejects when the change is refused. */
  async reload(change: Partial<PortolanSetup>, options: ReloadOptions = {}): Promise<void> {
    const setups = { ...this.#setups, main: { ...this.#setups['main']!, ...change } }
    const report = await this.app.reload(config(setups), options)
    if (report.outcome === 'refused') throw new Error(report.errors.join('\n'))
    this.#setups = setups
  }

  /** The sum of the samples that have these labels. */
  metric(family: Parameters<Metrics['read']>[0], labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0
    for (const sample of this.metrics.read(family)) {
      const fits = Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
      if (fits && 'value' in sample) sum += sample.value
    }
    return sum
  }

  /** Requests counted, as `{ 'get ok': 3 }`. */
  requests(listener = 'main'): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const sample of this.metrics.read('portolan_requests_total')) {
      if (sample.labels['listener'] !== listener || !('value' in sample)) continue
      const key = `${sample.labels['operation']} ${sample.labels['outcome']}`
      counts[key] = (counts[key] ?? 0) + sample.value
    }
    return counts
  }

  close(): Promise<void> {
    return this.app.close()
  }
}

/** Everything that a test opens; close() ends all of it, in the opposite order. */
export class Rig {
  readonly #opened: (() => unknown)[] = []

  async redis(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await startRedis(options)
    this.#opened.push(() => server.stop())
    return server
  }

  async proxy(target: RedisServer): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(target.port)
    this.#opened.push(() => proxy.close())
    return proxy
  }

  /** One listener `main` over one backend `main`. */
  portolan(endpoints: number | PortolanSetup['endpoints'], options: Omit<PortolanSetup, 'endpoints'> = {}) {
    return this.portolans({
      main: { ...options, endpoints: typeof endpoints === 'number' ? [endpoints] : endpoints },
    })
  }

  async portolans(setups: Setups): Promise<Portolan> {
    const portolan = new Portolan(setups)
    this.#opened.push(() => portolan.close())
    await portolan.app.start()
    return portolan
  }

  /** A client of a listener, of a server, or of any port. */
  async client(target: Portolan | number | RespTarget): Promise<RespClient> {
    const where =
      target instanceof Portolan ? { port: target.port() } : typeof target === 'number' ? { port: target } : target
    const client = await RespClient.connect(where)
    this.#opened.push(() => client.close())
    return client
  }

  async clients(count: number, target: Portolan | number): Promise<RespClient[]> {
    return Promise.all(Array.from({ length: count }, () => this.client(target)))
  }

  onClose(close: () => unknown): void {
    this.#opened.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#opened.splice(0).reverse()) await close()
  }
}

/** Asks until the condition holds; rejects after a deadline that nothing healthy comes near. */
export async function until(condition: () => boolean | Promise<boolean>, what = String(condition)): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function config(setups: Setups): AppConfig {
  const entries = Object.entries(setups)
  const endpoint = (where: number | string) => (typeof where === 'number' ? `127.0.0.1:${where}` : where)
  return {
    admin: { address: undefined, token: undefined, allowedHosts: [] },
    log: { level: 'info', format: 'json' },
    shutdown: { graceMs: Math.max(...entries.map(([, { graceMs }]) => graceMs ?? 10_000)) },
    listeners: entries.map(([name, { protocol = 'redis', listener = {} }]) => ({
      name,
      protocol,
      address: { host: '127.0.0.1', port: 0 },
      backend: name,
      options: OPTIONS[protocol].listener.parse(listener),
    })),
    backends: entries.map(([name, { protocol = 'redis', endpoints, backend = {} }]) => ({
      name,
      protocol,
      options: OPTIONS[protocol].backend.parse({ endpoints: endpoints.map(endpoint), ...backend }),
    })),
    components: [],
    requires: [],
  }
}

function recorder(lines: LogLine[], bound: LogFields = {}): Logger {
  const at = (level: LogLine['level']) => (fields: LogFields, message: string) => {
    lines.push({ ...bound, ...fields, level, message })
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => recorder(lines, { ...bound, ...fields }),
  }
}
