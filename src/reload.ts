/**
 * From one generation to the next while clients are being served: everything new is built, probed and bound beside the
 * old, then the two are swapped; whatever fails before or during the swap leaves the old generation in service.
 */
import { bindRequirements, showFeatures } from './bind.ts'
import { type AppConfig, sameConfig } from './config/index.ts'
import { type BackendUnit, type ComponentUnit, type Factory, type Generation, StartError } from './generation.ts'
import type { ProbeReport } from './protocol.ts'
import { closeAll, closeComponents } from './retire.ts'
import { type Prepared, Swap, type Upstream } from './swap.ts'

export interface PrepareOptions {
  /** Takes a changed backend even if its probe fails. */
  readonly force: boolean
  readonly probeTimeoutMs: number
}

/** Builds, probes and binds what is new. Rejects with a StartError, and then nothing has changed. */
export async function prepare(
  factory: Factory,
  current: Generation,
  config: AppConfig,
  options: PrepareOptions,
): Promise<Prepared> {
  const upstream = await prepareUpstream(factory, current, config, options)
  try {
    const swap = new Swap(factory, current, config, upstream)
    await swap.bindEarly()
    return swap
  } catch (error) {
    await abandon(upstream)
    throw error
  }
}

async function prepareUpstream(
  factory: Factory,
  current: Generation,
  config: AppConfig,
  options: PrepareOptions,
): Promise<Upstream> {
  const { backends, fresh, warnings } = await prepareBackends(factory, current, config, options)
  const prepared = await prepareComponents(factory, current, config, backends, options).catch(async error => {
    await closeAll(fresh, 0)
    throw error
  })
  const upstream = { backends, freshBackends: fresh, components: prepared.components, freshComponents: prepared.fresh }
  try {
    if (config.requires.length > 0) await showFeatures(upstream, options.probeTimeoutMs)
    const { bindings } = bindRequirements({ config, ...upstream }, factory.registry)
    return { ...upstream, bindings, warnings: [...warnings, ...prepared.warnings] }
  } catch (error) {
    await abandon(upstream)
    throw error
  }
}

async function abandon({
  freshBackends,
  freshComponents,
}: Pick<Upstream, 'freshBackends' | 'freshComponents'>): Promise<void> {
  await closeComponents(freshComponents, 0)
  await closeAll(freshBackends, 0)
}

async function prepareBackends(factory: Factory, current: Generation, config: AppConfig, options: PrepareOptions) {
  const backends = new Map<string, BackendUnit>()
  const fresh: BackendUnit[] = []
  try {
    for (const wanted of config.backends) {
      const old = current.backends.get(wanted.name)
      const kept = old && sameConfig(old.config, wanted) ? old : undefined
      const unit = kept ?? factory.backend(wanted, backends)
      backends.set(wanted.name, unit)
      if (!kept) fresh.push(unit)
    }
    await Promise.all(fresh.map(unit => unit.backend.start()))
    const reports = await Promise.all(fresh.map(unit => unit.backend.probe(options.probeTimeoutMs)))
    return { backends, fresh, warnings: judge('backend', fresh, reports, current.backends, options) }
  } catch (error) {
    await closeAll(fresh, 0)
    throw error
  }
}

async function prepareComponents(
  factory: Factory,
  current: Generation,
  config: AppConfig,
  backends: ReadonlyMap<string, BackendUnit>,
  options: PrepareOptions,
) {
  const components = new Map<string, ComponentUnit>()
  const fresh: ComponentUnit[] = []
  try {
    for (const wanted of config.components) {
      const old = current.components.get(wanted.name)
      const moved =
        wanted.backend !== undefined && current.backends.get(wanted.backend) !== backends.get(wanted.backend)
      const kept = old && !moved && sameConfig(old.config, wanted) ? old : undefined
      const unit = kept ?? factory.component(wanted, backends)
      components.set(wanted.name, unit)
      if (!kept) fresh.push(unit)
    }
    await Promise.all(fresh.map(startComponent))
    const reports = await Promise.all(fresh.map(unit => unit.component.probe(options.probeTimeoutMs)))
    return { components, fresh, warnings: judge('component', fresh, reports, current.components, options) }
  } catch (error) {
    await closeComponents(fresh, 0)
    throw error
  }
}

/** A component that can never work as configured is the user's to mend, and no bug. */
export async function startComponent({ component }: ComponentUnit): Promise<void> {
  await component.start().catch(error => {
    throw new StartError([`component ${component.name}: ${(error as Error).message}`])
  })
}

/**
 * What is new may come up later, as at a start: the warnings. What worked must not be swapped for what does not, unless it
 * is forced: throws a StartError.
 */
function judge(
  what: string,
  fresh: readonly { readonly config: { readonly name: string } }[],
  reports: readonly ProbeReport[],
  current: ReadonlyMap<string, unknown>,
  { force }: PrepareOptions,
): readonly string[] {
  const failures = fresh.flatMap(({ config: { name } }, i) =>
    reports[i]!.ok ? [] : [{ name, text: `${what} ${name}: ${probeFailure(reports[i]!)}` }],
  )
  const errors = failures.filter(({ name }) => current.has(name) && !force)
  if (errors.length > 0) throw new StartError(errors.map(({ text }) => text))
  return failures.map(({ text }) => text)
}

function probeFailure(report: ProbeReport): string {
  const reasons = report.endpoints.flatMap(({ address, failure }) =>
    failure ? [`${address} failed to ${failure.stage}: ${failure.cause}; ${failure.next}`] : [],
  )
  return reasons.join('; ') || 'the probe failed'
}
