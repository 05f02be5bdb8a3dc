/**
 * The interfaces between the core and the protocols. A folder in listeners/ exports a Protocol, a folder in
 * src/backends/ a BackendKind; src/main.ts hands both registries to the core as values.
 */
import type { ZodMiniObject } from 'zod/mini'
import type { Component, ComponentKind } from './component.ts'
import type { BackendConfig, ListenerConfig } from './config/index.ts'
import type { Match, Requirement } from './features/index.ts'
import type { Logger } from './observability/logger.ts'
import type { Metrics } from './observability/metrics.ts'
import type { PluginOptions } from './plugins/index.ts'

/** The downstream half of a protocol: what a folder in listeners/ exports. */
export interface Protocol {
  readonly name: string
  /** The protocol's own listener options, each with `.describe()`; the common ones are added by src/config. */
  readonly options: ZodMiniObject
  /**
   * Whether a listener with these options may be bound beyond the loopback: because it asks for passwords or client
   * certificates. Without this method only `allowUnauthenticated` allows it.
   */
  exposed?(options: unknown): boolean
  /** Backends that the options name, beside the listener's own: where in the options, and which. */
  otherBackends?(options: unknown): readonly { readonly path: readonly (string | number)[]; readonly name: string }[]
  /** The plug-ins that a listener with these options would load. */
  plugins?(options: unknown): readonly PluginOptions[]
  /** Its listeners serve the components; when these change in a reload, the listeners are told by update(). */
  readonly usesComponents?: boolean
  /**
   * What `run -- command` exports for the protocol's clients, such as `REDIS_URL`; the address is as a program on this
   * machine dials it: `host:port` or a socket path.
   */
  environment?(config: ListenerConfig, address: string): Readonly<Record<string, string>>
  build(config: ListenerConfig, runtime: Runtime): Listener
}

/** The upstream half of a protocol: what a folder in src/backends/ exports. */
export interface BackendKind {
  /** The protocol that it serves: a listener can only use backends of its own protocol. */
  readonly protocol: string
  readonly options: ZodMiniObject
  /** What servers of the protocol may have or lack: feature ids, such as `redis.streams`, with their meaning. */
  readonly features?: Readonly<Record<string, string>>
  build(config: BackendConfig, runtime: Runtime): Backend
}

export interface Listener {
  readonly name: string
  /** Binds. Rejects with a ProxyError that says what to do, such as for a port in use. */
  start(): Promise<void>
  /** The bound address as `host:port` or a socket path; defined after start(). */
  readonly address: string
  /**
   * Takes a changed configuration or a changed backend without closing a connection.
   * Returns false when only a new listener can serve it (another address, say); then nothing has changed.
   */
  update(config: ListenerConfig): boolean
  /** At each reload: reads again what stands outside of the configuration, such as secrets. Never rejects. */
  reread?(): Promise<void>
  /**
   * Stops accepting, finishes what is in flight, closes idle connections; destroys the rest after graceMs. When it is
   * called again the earlier end counts.
   */
  drain(graceMs: number): Promise<void>
  status(): ListenerStatus
  /**
   * Pages of the protocol's own at the admin listener: the name `pins` of a mysql listener becomes `/mysql/pins`, which
   * has an element for each such listener. They are read when asked for, and hold no value of an application's data.
   */
  readonly pages?: Readonly<Record<string, () => object>>
}

export interface ListenerStatus {
  readonly connections: number
}

export interface Backend {
  readonly name: string
  /** Begins to connect. Resolves at once: that a backend is away never keeps the process from starting. */
  start(): Promise<void>
  /** Connects on its own, authenticates and reports; never rejects, a failure is part of the report. */
  probe(timeoutMs: number): Promise<ProbeReport>
  status(): BackendStatus
  /** Which features it has; until its server has shown that, all that its kind can have. */
  features?(): { readonly features: readonly string[]; readonly isProbed: boolean }
  /** Reaches its server, which shows the features. Rejects with the reason why it cannot. */
  learn?(): Promise<void>
  /** As of a listener. */
  reread?(): Promise<void>
  /** Lets what is in flight finish, then closes; destroys the rest after graceMs. Called again, the earlier end counts. */
  close(graceMs: number): Promise<void>
}

export interface BackendStatus {
  readonly state: 'connecting' | 'up' | 'down' | 'closed'
  readonly endpoints: readonly EndpointStatus[]
  /** Why it is down, in words and without secrets. */
  readonly lastError?: string
}

export interface EndpointStatus {
  readonly address: string
  readonly state: 'connecting' | 'up' | 'down' | 'open-circuit'
  readonly connections: number
  readonly lastError?: string
  /** Its part in the topology, such as `primary`; only where that is looked at. */
  readonly role?: string
  /** How far a replica is behind. */
  readonly lagSeconds?: number
}

export interface ProbeReport {
  readonly ok: boolean
  readonly endpoints: readonly EndpointProbe[]
}

export interface EndpointProbe {
  readonly address: string
  readonly ok: boolean
  /** Product and version, such as `redis 7.0.15`. */
  readonly version?: string
  /** Time of one round trip in milliseconds. */
  readonly latencyMs?: number
  /** How the endpoint stands in its topology, such as `standalone, primary, 0 replicas`. */
  readonly topology?: string
  /** Further facts, label to value. */
  readonly facts?: Readonly<Record<string, string>>
  /** The stage that failed, the cause in words, and what the user can do next. */
  readonly failure?: {
    readonly stage: 'resolve' | 'connect' | 'tls' | 'authenticate' | 'query'
    readonly cause: string
    readonly next: string
  }
}

export interface Inventory {
  readonly components: readonly Component[]
  readonly listeners: readonly {
    readonly name: string
    readonly protocol: string
    readonly address: string
    readonly backend: string
    /** What its backend can do, as far as that is known. */
    readonly features: readonly string[]
  }[]
}

/** What the core offers to listeners and backends; a constructor takes only what it uses. */
export interface Runtime {
  /** The backend of that name as it is now; a reload may replace it, so ask again at request boundaries. */
  backend(name: string): Backend
  /** The components as they are now, by name; a reload may replace them, so look again at request boundaries. */
  readonly components: ReadonlyMap<string, { readonly component: Component }>
  /** Names by which the application calls components, where they bear others: bound by what it requires. */
  readonly bindings: ReadonlyMap<string, string>
  /** Everything in service, for whoever tells an application of it. */
  inventory(): Inventory
  /** Matches needs against what is there. */
  match(requirements: readonly Requirement[]): readonly Match[]
  /** All kinds of components that could be configured. */
  readonly componentKinds: readonly ComponentKind[]
  readonly metrics: Metrics
  readonly logger: Logger
  readonly clock: Clock
}

/** Time, injected so that tests need no sleeping. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Calls back after ms; the timer never keeps the process alive. Returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void
  /** Calls back every ms until cancelled; the timer never keeps the process alive. */
  every(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms).unref()
    return () => clearInterval(timer)
  },
}
