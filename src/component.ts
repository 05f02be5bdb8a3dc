/** A component: a store of one API under a name in the configuration, with its life around it. */
import type { ZodMiniObject } from 'zod/mini'
import { ApiError, type ApiName, type FeatureId, LAYER, type Stores } from './apis/index.ts'
import type { ComponentConfig } from './config/index.ts'
import type { Logger } from './observability/logger.ts'
import type { Backend, BackendStatus, Clock, ProbeReport, Runtime } from './protocol.ts'

/** A way to implement an API: what a file in src/components/<api>/ exports. */
export interface ComponentKind<Api extends ApiName = ApiName> {
  readonly api: Api
  /** What it is built on, such as `etcd`. */
  readonly type: string
  /** Uses a backend of this protocol, which the configuration then has to name. */
  readonly backend?: string
  /** What it can do before a usual server; a suite in test/conformance proves each. */
  readonly features: readonly FeatureId[]
  /** Its options in the configuration; made when a component of this kind is configured. */
  options(): ZodMiniObject
  /**
   * Loads what it needs and begins to connect. That the server is away is no reason to reject: calls then reject with
   * `unavailable`, and work once it is back. Rejects with a sentence for the user when it can never work as configured.
   */
  open(options: unknown, context: ComponentContext): Promise<Stores[Api]>
}

/** What a component is given; it takes only what it uses. */
export interface ComponentContext {
  /** The component's name in the configuration. */
  readonly name: string
  readonly logger: Logger
  readonly clock: Clock
  /** The backend of a kind that has one. */
  backend(): Backend
}

/** How often a component is asked whether it is there, besides what its calls tell. */
const CHECK_EVERY_MS = 10_000
const CHECK_TIMEOUT_MS = 5_000

/** What components of a kind can do before a usual server: what the store has, and what the sidecar adds to it. */
export function featuresOf({ api, features }: Pick<ComponentKind, 'api' | 'features'>): readonly FeatureId[] {
  return [...features, ...(LAYER[api] ?? [])]
}

export class Component<Api extends ApiName = ApiName> {
  readonly name: string
  readonly api: Api
  readonly kind: ComponentKind<Api>
  readonly #config: ComponentConfig
  readonly #runtime: Runtime
  readonly #features: ReadonlySet<FeatureId>
  #store: Stores[Api] | undefined
  #lacks: Readonly<Record<FeatureId, string>> = {}
  #state: BackendStatus['state'] = 'connecting'
  #lastError: string | undefined
  #stopChecks: () => void = () => {}

  constructor(kind: ComponentKind<Api>, config: ComponentConfig, runtime: Runtime) {
    this.name = config.name
    this.api = kind.api
    this.kind = kind
    this.#config = config
    this.#runtime = runtime
    this.#features = new Set(featuresOf(kind))
  }

  /** Loads and opens the store; rejects when it can never work as configured. Its server may be away. */
  async start(): Promise<void> {
    const { backend } = this.#config
    const { logger, clock } = this.#runtime
    const store = await this.kind.open(this.#config.options, {
      name: this.name,
      logger,
      clock,
      backend: () => this.#runtime.backend(backend!),
    })
    if (this.#state === 'closed') return store.close()
    this.#store = store
    void this.#check(CHECK_TIMEOUT_MS).catch(() => {})
    this.#stopChecks = clock.every(CHECK_EVERY_MS, () => void this.#check(CHECK_TIMEOUT_MS).catch(() => {}))
  }

  /** Throws an ApiError before the start and after the end. */
  get store(): Stores[Api] {
    if (this.#store && this.#state !== 'closed') return this.#store
    throw new ApiError('unavailable', `component ${this.name} is ${this.#store ? 'closed' : 'not open yet'}`)
  }

  /** What it can do, as far as its server has shown. */
  get features(): readonly FeatureId[] {
    return [...this.#features].filter(id => !Object.hasOwn(this.#lacks, id))
  }

  has(feature: FeatureId): boolean {
    return this.#features.has(feature) && !Object.hasOwn(this.#lacks, feature)
  }

  /** Features of its kind that its server turned out not to have, each with the reason. */
  get lacks(): Readonly<Record<FeatureId, string>> {
    return this.#lacks
  }

  /** Asks the server; never rejects. Opens the store for it when it is not open. */
  async probe(timeoutMs: number): Promise<ProbeReport> {
    const began = performance.now()
    try {
      if (!this.#store) await this.start()
      const { version, facts } = await this.#check(timeoutMs)
      const latencyMs = performance.now() - began
      const endpoint = {
        address: this.kind.type,
        ok: true,
        latencyMs,
        ...(version && { version }),
        ...(facts && { facts }),
      }
      return { ok: true, endpoints: [endpoint] }
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      const next = 'check the component’s options, and whether its server runs and can be reached'
      return {
        ok: false,
        endpoints: [{ address: this.kind.type, ok: false, failure: { stage: 'query', cause, next } }],
      }
    }
  }

  status(): BackendStatus {
    const lastError = this.#state === 'down' && this.#lastError ? { lastError: this.#lastError } : {}
    return { state: this.#state, endpoints: [], ...lastError }
  }

  async close(_graceMs: number): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#stopChecks()
    await this.#store?.close()
  }

  async #check(timeoutMs: number) {
    try {
      const facts = await this.store.check(timeoutMs)
      this.#lacks = facts.lacks ?? {}
      if (this.#state !== 'closed') this.#state = 'up'
      return facts
    } catch (error) {
      if (this.#state !== 'closed') this.#state = 'down'
      this.#lastError = error instanceof Error ? error.message : String(error)
      throw error
    }
  }
}
