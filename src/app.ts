/**
 * The composition root: builds backends and listeners out of a configuration and carries them through start, reload,
 * drain and close.
 */
import { AdminSlot } from './admin/slot.ts'
import { bindRequirements, matchRequirements, showFeatures } from './bind.ts'
import type { AppConfig, Registry } from './config/index.ts'
import {
  bindAll,
  Factory,
  type Generation,
  type ListenerUnit,
  type Parts,
  problemsOf,
  StartError,
} from './generation.ts'
import { inventoryOf } from './inventory.ts'
import type { Exposition } from './observability/exposition.ts'
import { silentLogger } from './observability/logger.ts'
import { Metrics } from './observability/metrics.ts'
import { ReloadMetrics, registerProcessMetrics } from './observability/process-metrics.ts'
import { type Backend, systemClock } from './protocol.ts'
import { prepare, startComponent } from './reload.ts'
import { logReport, type ReloadReport, refused, settingsChanges } from './reload-report.ts'
import { type Leaving, retire, retireAll } from './retire.ts'
import type { Prepared } from './swap.ts'

export interface AppOptions extends Registry, Partial<Omit<Parts, keyof Registry>> {
  /** Reads the configuration again for reloadFromSource(). Rejects when it is invalid, with a message for the user. */
  readonly load?: () => Promise<AppConfig>
  /** Called with the configuration in service after the start and after each reload that changed it. */
  readonly onConfig?: (config: AppConfig) => void
}

export interface ReloadOptions {
  /** Takes a changed backend even if its probe fails. Default false. */
  readonly force?: boolean
  /** For the probe of each new or changed backend. Default 5 s. */
  readonly probeTimeoutMs?: number
}

type Phase = 'new' | 'starting' | 'running' | 'draining' | 'closed'

const PROBE_TIMEOUT_MS = 5000

/** Builds the parts of a checked configuration. Throws a StartError when one cannot be built; nothing is bound yet. */
export function createApp(config: AppConfig, options: AppOptions): App {
  return new App(config, options)
}

export class App {
  readonly metrics: Metrics
  readonly #options: AppOptions
  readonly #parts: Parts
  readonly #factory: Factory
  readonly #admin: AdminSlot
  readonly #reloads: ReloadMetrics
  readonly #leaving = new Set<Leaving>()
  #phase: Phase = 'new'
  #generation: Generation
  #starting: Promise<void> = Promise.resolve()
  /** The tail of the queue of reloads: they run one after another. */
  #lastReload: Promise<unknown> = Promise.resolve()
  /** The part of a reload that must not be cut short. */
  #committing: Promise<unknown> = Promise.resolve()
  #exposition: Promise<Exposition> | undefined
  #drained: Promise<void> | undefined

  constructor(config: AppConfig, options: AppOptions) {
    this.#options = options
    this.#parts = {
      logger: silentLogger,
      metrics: new Metrics(),
      clock: systemClock,
      inventory: () => inventoryOf(this.#generation),
      match: requirements => matchRequirements(this.#generation, this.#parts, requirements),
      ...options,
    }
    this.metrics = this.#parts.metrics
    this.#reloads = new ReloadMetrics(this.metrics)
    registerProcessMetrics(this.metrics)
    this.#factory = new Factory(this.#parts)
    this.#admin = new AdminSlot(this, this.#parts.logger)
    this.#generation = this.#factory.generation(config)
  }

  /** Everything that is in service now, with its configuration. */
  get generation(): Generation {
    return this.#generation
  }

  /** True while every listener is bound and none is being drained. */
  get ready(): boolean {
    return this.#phase === 'running'
  }

  /** The metrics as Prometheus reads them; what renders them is loaded by the first scrape. */
  exposition(): Promise<Exposition> {
    return (this.#exposition ??= import('./observability/exposition.ts').then(module =>
      module.openExposition(this.metrics),
    ))
  }

  /** Where the admin listener is bound, if there is one. */
  get adminAddress(): string | undefined {
    return this.#admin.address
  }

  /** Binds everything. Rejects with a StartError, and then nothing is left open. A backend that is away is no error. */
  start(): Promise<void> {
    if (this.#phase !== 'new') return Promise.reject(new Error(`start() of an app that is ${this.#phase}`))
    this.#phase = 'starting'
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { backends, components, listeners, config } = this.#generation
    try {
      await Promise.all([...backends.values()].map(({ backend }) => startBackend(backend)))
      await Promise.all([...components.values()].map(startComponent))
      await this.#bind()
      await bindAll([...listeners.values()])
      for (const unit of listeners.values()) this.#logListening(unit)
      await this.#admin.open(config.admin)
    } catch (error) {
      this.#phase = 'closed'
      await this.#release(0)
      throw error
    }
    // Unless a drain has begun meanwhile, which goes on with what is bound now.
    if (this.#phase === 'starting') this.#phase = 'running'
    this.#options.onConfig?.(config)
    this.#parts.logger.info({ listeners: listeners.size, backends: backends.size }, 'ready')
  }

  /** Matches what the application requires against what is there. Rejects with a StartError where it is not met. */
  async #bind(): Promise<void> {
    const generation = this.#generation
    const { config, listeners } = generation
    if (config.requires.length === 0) return
    await showFeatures(generation, PROBE_TIMEOUT_MS)
    const { bindings, notes } = bindRequirements(generation, this.#parts)
    for (const note of notes) this.#parts.logger.info({}, note)
    this.#generation = { ...generation, bindings }
    for (const { view } of listeners.values()) view.bindings = bindings
  }

  /** Reads the configuration again and reloads it; never rejects. */
  reloadFromSource(options: ReloadOptions = {}): Promise<ReloadReport> {
    const { load } = this.#options
    if (!load) return Promise.resolve(refused(['this process was not started from configuration files']))
    return this.#inTurn(async () => this.#swap(await load(), options))
  }

  /** Puts another checked configuration in service; never rejects. */
  reload(config: AppConfig, options: ReloadOptions = {}): Promise<ReloadReport> {
    return this.#inTurn(() => this.#swap(config, options))
  }

  /** Stops accepting, finishes what is in flight, destroys the rest after graceMs; the admin listener ends last. */
  drain(graceMs: number): Promise<void> {
    return (this.#drained ??= this.#drain(graceMs))
  }

  /** Ends at once. */
  close(): Promise<void> {
    return this.drain(0)
  }

  #inTurn(reload: () => Promise<ReloadReport>): Promise<ReloadReport> {
    const turn = this.#lastReload.then(reload).catch(error => refused(problemsOf(error)))
    this.#lastReload = turn
    return turn.then(report => {
      this.#reloads.record(report.outcome)
      logReport(this.#parts.logger, report)
      return report
    })
  }

  async #swap(config: AppConfig, { force = false, probeTimeoutMs = PROBE_TIMEOUT_MS }: ReloadOptions) {
    this.#mustBeRunning()
    const prepared = await prepare(this.#factory, this.#generation, config, { force, probeTimeoutMs })
    try {
      // Asked again: a drain may have begun during the wait.
      this.#mustBeRunning()
    } catch (error) {
      await prepared.abandon()
      throw error
    }
    const commit = this.#commit(prepared, config)
    this.#committing = commit
    const report = await commit
    const { backends, listeners } = this.#generation
    await Promise.all([
      ...[...backends.values()].map(({ backend }) => backend.reread?.()),
      ...[...listeners.values()].map(({ listener }) => listener.reread?.()),
    ])
    return report
  }

  async #commit(prepared: Prepared, config: AppConfig): Promise<ReloadReport> {
    const before = this.#generation
    const { graceMs } = config.shutdown
    const admin = await this.#admin.stage(config.admin).catch(async error => {
      await prepared.abandon()
      throw error
    })
    const { generation, problems, leaving } = await prepared.commit(graceMs)
    this.#generation = generation
    this.#retire(leaving, graceMs)
    if (problems.length > 0) {
      await admin.abandon()
      return refused(problems)
    }
    for (const [name, unit] of generation.listeners) {
      if (before.listeners.get(name)?.listener !== unit.listener) this.#logListening(unit)
    }
    const changes = [...prepared.changes, ...admin.accept(), ...settingsChanges(before.config, config)]
    if (changes.length === 0) return { outcome: 'unchanged', changes, warnings: [], errors: [] }
    this.#options.onConfig?.(config)
    return { outcome: 'applied', changes, warnings: prepared.warnings, errors: [] }
  }

  async #drain(graceMs: number): Promise<void> {
    const unstarted = this.#phase === 'new'
    if (this.#phase === 'closed') return
    this.#phase = 'draining'
    await Promise.allSettled([this.#starting, this.#committing])
    this.#parts.logger.info({ graceMs }, 'draining')
    if (!unstarted) await this.#release(graceMs)
    this.#phase = 'closed'
  }

  /** Lets go of everything, the admin listener last. */
  async #release(graceMs: number): Promise<void> {
    const { clock, logger } = this.#parts
    const { listeners, components, backends } = this.#generation
    const now = { listeners: listeners.values(), components: components.values(), backends: backends.values() }
    await retireAll([now, ...this.#leaving], graceMs, clock, logger)
    await this.#admin.close()
  }

  #mustBeRunning(): void {
    if (!this.ready) throw new StartError([`the process is ${this.#phase}, so nothing can be reloaded`])
  }

  /** Lets go of what a reload has left; a drain that comes meanwhile shortens it. */
  #retire(leaving: Leaving, graceMs: number): void {
    this.#leaving.add(leaving)
    void retire(leaving, graceMs).finally(() => this.#leaving.delete(leaving))
  }

  #logListening({ config, listener }: ListenerUnit): void {
    const fields = { listener: config.name, protocol: config.protocol, address: listener.address }
    this.#parts.logger.info(fields, 'listening')
  }
}

/** An embedded server that cannot be started is the user's to mend, and no bug. */
async function startBackend(backend: Backend): Promise<void> {
  await backend.start().catch(error => {
    throw new StartError([`backend ${backend.name}: ${(error as Error).message}`])
  })
}
