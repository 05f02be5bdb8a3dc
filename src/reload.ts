/**
 * From one generation to the next while clients are being served: everything new is built, probed and bound beside the
 * old, then the two are swapped; whatever fails before or during the swap leaves the old generation in service.
 */
import { type AppConfig, sameConfig } from './config/index.ts'
import { type BackendUnit, type Factory, type Generation, StartError } from './generation.ts'
import type { ProbeReport } from './protocol.ts'
import { closeAll } from './retire.ts'
import { type Prepared, Swap } from './swap.ts'

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
  const { backends, fresh, warnings } = await prepareBackends(factory, current, config, options)
  try {
    const swap = new Swap(factory, current, config, backends, fresh, warnings)
    await swap.bindEarly()
    return swap
  } catch (error) {
    await closeAll(fresh, 0)
    throw error
  }
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
    const failures = fresh.flatMap((unit, i) =>
      reports[i]!.ok ? [] : [{ unit, text: probeFailure(unit, reports[i]!) }],
    )
    // A backend that is new may come up later, as at a start; one that worked must not be swapped for one that does not.
    const errors = failures.filter(({ unit }) => current.backends.has(unit.config.name) && !options.force)
    if (errors.length > 0) throw new StartError(errors.map(({ text }) => text))
    return { backends, fresh, warnings: failures.map(({ text }) => text) }
  } catch (error) {
    await closeAll(fresh, 0)
    throw error
  }
}

function probeFailure(unit: BackendUnit, report: ProbeReport): string {
  const reasons = report.endpoints.flatMap(({ address, failure }) =>
    failure ? [`${address} failed to ${failure.stage}: ${failure.cause}; ${failure.next}`] : [],
  )
  return `backend ${unit.config.name}: ${reasons.join('; ') || 'the probe failed'}`
}
