/** Keeps what leads to a service: its connections, and the credentials that requests are signed with. */
import { type ClientTls, Endpoints, openClientTls, RelayBuffers } from '../../net/index.ts'
import type { Cell } from '../../observability/metrics.ts'
import type { BackendStatus, ProbeReport, Runtime } from '../../protocol.ts'
import { CredentialSource } from './credentials.ts'
import type { ServiceEndpoint } from './endpoint.ts'
import { HealthCheck } from './health.ts'
import { HttpPool, type HttpPoolMetrics } from './http/index.ts'
import type { Keeper } from './keeper.ts'
import type { S3BackendOptions } from './options.ts'
import { probeService } from './probe.ts'
import { PROFILES } from './profiles/table.ts'
import { ServiceStore } from './service-store.ts'
import { BucketNames } from './translate/bucket-names.ts'

/** How long a service is waited for to ask for a body; then it gets it unasked. */
const CONTINUE_MS = 1000

export class ServiceKeeper implements Keeper {
  readonly store: ServiceStore
  readonly #options: S3BackendOptions
  readonly #endpoint: ServiceEndpoint
  readonly #tls: ClientTls | undefined
  readonly #pool: HttpPool
  readonly #health: HealthCheck
  readonly #credentials: CredentialSource | undefined

  constructor(name: string, options: S3BackendOptions, runtime: Runtime) {
    const { credentials, pool, connectTimeout, responseTimeout, uploadTimeout } = options
    const endpoint = options.endpoint!
    const profile = PROFILES.get(options.profile)!
    const { host, port, isSecure } = endpoint
    const region = options.region ?? profile.region
    this.#options = options
    this.#endpoint = endpoint
    this.#tls = isSecure ? openClientTls(options.tls ?? PLAIN_TLS, runtime.logger) : undefined
    this.#credentials = credentials && new CredentialSource(name, credentials, region, connectTimeout, runtime)
    const endpoints = new Endpoints([{ host, port }], runtime.clock)
    this.#pool = new HttpPool(
      {
        name,
        endpoints,
        tls: this.#tls,
        maxConnections: pool.max,
        maxQueue: pool.maxWaiting,
        queueTimeoutMs: pool.waitTimeout,
        connectTimeoutMs: connectTimeout,
        idleLifetimeMs: pool.idleTimeout,
        keepAliveMs: 60_000,
        responseTimeoutMs: responseTimeout,
        progressTimeoutMs: uploadTimeout,
        continueTimeoutMs: CONTINUE_MS,
      },
      { clock: runtime.clock, logger: runtime.logger, metrics: metricsOf(name, runtime), buffers: new RelayBuffers() },
    )
    const { clock } = runtime
    this.#health = new HealthCheck(this.#pool, endpoints.all[0]!, endpoint.authority, options.healthCheck, clock)
    this.store = new ServiceStore({
      pool: this.#pool,
      addressing: { style: options.addressing ?? profile.addressing, host: endpoint.authority, tls: isSecure },
      region,
      profile,
      names: new BucketNames(options.buckets),
      credentials: this.#credentials,
      wallTime: () => Date.now(),
    })
  }

  async start(): Promise<void> {
    // Read ahead of the first request, which would wait for them.
    void this.#credentials?.wait().catch(() => {})
    this.#health.start()
  }

  probe(timeoutMs: number): Promise<ProbeReport> {
    const { region, profile, addressing } = this.store.options
    const [first] = Object.entries(this.#options.buckets)
    return probeService({
      endpoint: this.#endpoint,
      tls: this.#tls,
      region,
      profile,
      pathStyle: addressing.style === 'path',
      credentials: this.#credentials,
      bucket: first && (first[1].name ?? first[0]),
      timeoutMs,
    })
  }

  status(): BackendStatus {
    return this.#pool.status()
  }

  async reread(): Promise<void> {
    await this.#credentials?.renew().catch(() => {})
  }

  async close(graceMs: number): Promise<void> {
    this.#health.stop()
    await this.#pool.close(graceMs)
    this.#credentials?.close()
    this.#tls?.close()
  }
}

const PLAIN_TLS = { verify: true, minVersion: 'TLSv1.2' } as const

function metricsOf(backend: string, { metrics }: Runtime): HttpPoolMetrics {
  const attempts = new Map<string, Cell>()
  return {
    connections: metrics.cell('portolan_upstream_connections', { backend, use: 'http' }),
    inFlight: metrics.cell('portolan_upstream_in_flight', { backend }),
    queued: metrics.cell('portolan_upstream_queue', { backend }),
    repeats: metrics.cell('portolan_upstream_repeats_total', { backend }),
    connects(outcome) {
      let cell = attempts.get(outcome)
      if (!cell) {
        cell = metrics.cell('portolan_upstream_connects_total', { backend, outcome })
        attempts.set(outcome, cell)
      }
      return cell
    },
  }
}
