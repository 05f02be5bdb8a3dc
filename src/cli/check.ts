/** `portolan check`: validates a configuration without binding a port, and with --probe visits its backends. */
import { matchRequirements } from '../bind.ts'
import {
  type AppConfig,
  ConfigError,
  loadConfig,
  type Problem,
  type Registry,
  renderProblems,
} from '../config/index.ts'
import { isMet, type Match } from '../features/index.ts'
import { type BackendUnit, type ComponentUnit, Factory, problemsOf } from '../generation.ts'
import { silentLogger } from '../observability/logger.ts'
import { Metrics } from '../observability/metrics.ts'
import { type EndpointProbe, type ProbeReport, systemClock } from '../protocol.ts'
import { closeAll, closeComponents } from '../retire.ts'
import { EXIT } from './exit-codes.ts'
import { configuredPlugins } from './plugin.ts'
import type { Output } from './schema.ts'
import { missingSecretFiles } from './secret-files.ts'

const PROBE_TIMEOUT_MS = 5000

export interface CheckOptions {
  readonly files: readonly string[]
  readonly probe: boolean
  /** One JSON object instead of text. */
  readonly json: boolean
  readonly registry: Registry
  readonly out: Output
}

/** What --json prints. */
interface CheckResult {
  readonly ok: boolean
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** With --probe: what the other parts cannot be built for, such as files that are missing. */
  readonly unbuilt?: readonly string[]
  /** With --probe: by the name of the backend. */
  readonly backends?: Readonly<Record<string, BackendResult>>
  /** With --probe: by the name of the component. */
  readonly components?: Readonly<Record<string, ComponentResult>>
  readonly requires?: readonly RequirementResult[]
}

interface BackendResult extends ProbeReport {
  readonly protocol: string
  /** Why there is nothing to probe: the backend could not even be built. */
  readonly error?: string
}

interface ComponentResult extends ProbeReport {
  readonly api: string
  readonly type: string
  /** What it can do, as far as its server has shown. */
  readonly features: readonly string[]
}

/** What the application requires, and how that is met. */
interface RequirementResult {
  readonly name: string
  readonly met: boolean
  readonly reason: string
}

/** Resolves with the exit code: 0 all is well, 1 the configuration is invalid, 3 a probe failed. */
export async function runCheck({ files, probe, json, registry, out }: CheckOptions): Promise<number> {
  const print = (result: CheckResult, text: () => string) =>
    void out.write(json ? `${JSON.stringify(result, null, 2)}\n` : text())
  try {
    const { config, warnings: doubts } = await loadConfig(files, registry)
    const { problems: pluginProblems } = await configuredPlugins(config, registry)
    if (pluginProblems.length > 0) throw new ConfigError(pluginProblems.map(each => ({ file: files.at(-1)!, ...each })))
    const warnings = [...doubts, ...missingSecretFiles(config, files.at(-1)!)]
    const { backends, components, requires, unbuilt } = probe ? await probeAll(config, registry) : NOTHING
    // A backend may be usable without one of its endpoints; a check is made to hear of that one.
    const reached = [...Object.values(backends), ...Object.values(components)].every(
      result => result.ok && result.endpoints.every(({ ok }) => ok),
    )
    const ok = reached && unbuilt.length === 0 && requires.every(({ met }) => met)
    const result = { ok, files, problems: [], warnings, ...(probe && { unbuilt, backends, components, requires }) }
    print(
      result,
      () => validText(config, files, warnings) + probeText(backends, components, unbuilt) + requiresText(requires),
    )
    return ok ? EXIT.ok : EXIT.probeFailed
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { problems, message } = error
    print({ ok: false, files, problems, warnings: [] }, () => `${message}\n\n× ${count(problems.length, 'problem')}\n`)
    return EXIT.invalidConfiguration
  }
}

interface Probed {
  readonly backends: Readonly<Record<string, BackendResult>>
  readonly components: Readonly<Record<string, ComponentResult>>
  readonly requires: readonly RequirementResult[]
  readonly unbuilt: readonly string[]
}

const NOTHING: Probed = { backends: {}, components: {}, requires: [], unbuilt: [] }

/** Builds everything as a start would, but starts nothing: files that are missing show. Then visits the backends and components. */
async function probeAll(config: AppConfig, registry: Registry): Promise<Probed> {
  const factory = new Factory({ ...registry, logger: silentLogger, metrics: new Metrics(), clock: systemClock })
  const units = new Map<string, BackendUnit>()
  const results: [string, Promise<BackendResult>][] = []
  const unbuilt: string[] = []
  for (const each of config.backends) {
    const { name, protocol } = each
    try {
      units.set(name, factory.backend(each, units))
      results.push([name, probeOne(units.get(name)!)])
    } catch (error) {
      const reason = problemsOf(error).join('; ').replace(`backend ${name}: `, '')
      results.push([name, Promise.resolve({ protocol, ok: false, endpoints: [], error: reason })])
    }
  }
  const isBuilt = (backend: string | undefined) => backend === undefined || units.has(backend)
  const components = new Map<string, ComponentUnit>()
  for (const each of config.components.filter(({ backend }) => isBuilt(backend)))
    attempt(() => components.set(each.name, factory.component(each, units)))
  for (const each of config.listeners.filter(({ backend }) => isBuilt(backend)))
    await attempt(() => factory.listener(each, units, components).listener.drain(0))
  const entries = results.map(async ([name, result]) => [name, await result] as const)
  const backends = Object.fromEntries(await Promise.all(entries))
  const probed = await probeComponents([...components.values()], units)
  const matches = matchRequirements({ config, backends: units, components }, registry)
  await closeComponents(components.values(), 0)
  await closeAll(units.values(), 0)
  return { backends, components: probed, unbuilt, requires: matches.map(requirementOf) }

  async function attempt(build: () => unknown): Promise<void> {
    try {
      await build()
    } catch (error) {
      unbuilt.push(...problemsOf(error))
    }
  }
}

function requirementOf(match: Match): RequirementResult {
  return { name: match.requirement.name, met: isMet(match), reason: match.reason }
}

function requiresText(requires: readonly RequirementResult[]): string {
  return requires.map(({ met, reason }) => `\n${met ? '√' : '×'} ${reason}\n`).join('')
}

async function probeOne({ config, backend }: BackendUnit): Promise<BackendResult> {
  return { protocol: config.protocol, ...(await backend.probe(PROBE_TIMEOUT_MS)) }
}

/** Components work on backends that are started, as none is for its own probe. */
async function probeComponents(
  units: readonly ComponentUnit[],
  backends: ReadonlyMap<string, BackendUnit>,
): Promise<Readonly<Record<string, ComponentResult>>> {
  const used = new Set(units.flatMap(({ config }) => backends.get(config.backend ?? '') ?? []))
  await Promise.allSettled([...used].map(({ backend }) => backend.start()))
  const entries = units.map(async ({ config: { name, api, type }, component }) => {
    const report = await component.probe(PROBE_TIMEOUT_MS)
    return [name, { api, type, features: component.features, ...report }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

function validText(config: AppConfig, files: readonly string[], warnings: readonly Problem[]): string {
  const { listeners, backends, components } = config
  const notes = warnings.length ? `${renderProblems(warnings)}\n\n` : ''
  const doubts = warnings.length ? `, ${count(warnings.length, 'warning')}` : ''
  const stores = components.length > 0 ? `, ${count(components.length, 'component')}` : ''
  const parts = `${count(listeners.length, 'listener')}, ${count(backends.length, 'backend')}${stores}`
  return `${notes}√ ${files.join(', ')}: valid, ${parts}${doubts}\n`
}

function probeText(
  backends: Readonly<Record<string, BackendResult>>,
  components: Readonly<Record<string, ComponentResult>>,
  unbuilt: readonly string[],
): string {
  let text = unbuilt.map(problem => `\n× ${problem}\n`).join('')
  for (const [name, { protocol, ok, endpoints, error }] of Object.entries(backends)) {
    text += `\nbackend ${name} (${protocol})\n`
    if (error !== undefined) text += `  × cannot be built: ${error}\n`
    for (const endpoint of endpoints) text += endpointText(endpoint)
    if (!ok && error === undefined && endpoints.every(endpoint => endpoint.ok)) text += '  × not usable as a whole\n'
  }
  for (const [name, { api, type, endpoints, features }] of Object.entries(components)) {
    text += `\ncomponent ${name} (${api} on ${type})\n`
    for (const endpoint of endpoints) text += endpointText(endpoint)
    text += `      features: ${features.map(id => id.slice(api.length + 1)).join(', ')}\n`
  }
  return text
}

function endpointText({ address, ok, version, latencyMs, topology, facts, failure }: EndpointProbe): string {
  if (!ok) {
    const reason = failure ? `${failure.stage}: ${failure.cause}` : 'failed'
    return `  × ${address}  ${reason}\n${failure?.next ? `      ${failure.next}\n` : ''}`
  }
  const latency = latencyMs === undefined ? undefined : `${latencyMs.toFixed(1)} ms`
  const further = Object.entries(facts ?? {}).map(([label, value]) => `      ${label}: ${value}\n`)
  const known = [version, latency, topology].filter(fact => fact !== undefined)
  return `  √ ${address}  ${known.join(', ') || 'reachable'}\n${further.join('')}`
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
