/** `portolan check`: validates a configuration without binding a port, and with --probe visits its backends. */
import {
  type AppConfig,
  type BackendConfig,
  ConfigError,
  loadConfig,
  type Problem,
  type Registry,
  renderProblems,
} from '../config/index.ts'
import { silentLogger } from '../observability/logger.ts'
import { Metrics } from '../observability/metrics.ts'
import { type Backend, type EndpointProbe, type ProbeReport, type Runtime, systemClock } from '../protocol.ts'
import { EXIT } from './exit-codes.ts'
import type { Output } from './schema.ts'

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
  /** With --probe: by the name of the backend. */
  readonly backends?: Readonly<Record<string, BackendResult>>
}

interface BackendResult extends ProbeReport {
  readonly protocol: string
  /** Why there is nothing to probe: the backend could not even be built. */
  readonly error?: string
}

/** Resolves with the exit code: 0 all is well, 1 the configuration is invalid, 3 a probe failed. */
export async function runCheck({ files, probe, json, registry, out }: CheckOptions): Promise<number> {
  const print = (result: CheckResult, text: () => string) =>
    void out.write(json ? `${JSON.stringify(result, null, 2)}\n` : text())
  try {
    const { config, warnings } = await loadConfig(files, registry)
    const backends = probe ? await probeAll(config.backends, registry) : undefined
    // A backend may be usable without one of its endpoints; a check is made to hear of that one.
    const ok = Object.values(backends ?? {}).every(result => result.ok && result.endpoints.every(({ ok }) => ok))
    const result = { ok, files, problems: [], warnings, ...(backends && { backends }) }
    print(result, () => validText(config, files, warnings) + (backends ? probeText(backends) : ''))
    return ok ? EXIT.ok : EXIT.probeFailed
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { problems, message } = error
    print({ ok: false, files, problems, warnings: [] }, () => `${message}\n\n× ${count(problems.length, 'problem')}\n`)
    return EXIT.invalidConfiguration
  }
}

async function probeAll(
  backends: readonly BackendConfig[],
  registry: Registry,
): Promise<Readonly<Record<string, BackendResult>>> {
  const runtime: Runtime = {
    metrics: new Metrics(),
    logger: silentLogger,
    clock: systemClock,
    backend(name) {
      throw new Error(`a probe needs no other backend, but asked for ${name}`)
    },
  }
  const probed = backends.map(async config => [config.name, await probeOne(config, registry, runtime)] as const)
  return Object.fromEntries(await Promise.all(probed))
}

async function probeOne(config: BackendConfig, registry: Registry, runtime: Runtime): Promise<BackendResult> {
  const { protocol } = config
  let backend: Backend | undefined
  try {
    backend = registry.backendKinds.find(kind => kind.protocol === protocol)?.build(config, runtime)
    if (!backend) throw new Error(`nothing serves ${protocol}`)
  } catch (error) {
    return { protocol, ok: false, endpoints: [], error: (error as Error).message }
  }
  const report = await backend.probe(PROBE_TIMEOUT_MS)
  await backend.close(0)
  return { protocol, ...report }
}

function validText(config: AppConfig, files: readonly string[], warnings: readonly Problem[]): string {
  const { listeners, backends } = config
  const notes = warnings.length ? `${renderProblems(warnings)}\n\n` : ''
  const doubts = warnings.length ? `, ${count(warnings.length, 'warning')}` : ''
  const parts = `${count(listeners.length, 'listener')}, ${count(backends.length, 'backend')}`
  return `${notes}√ ${files.join(', ')}: valid, ${parts}${doubts}\n`
}

function probeText(backends: Readonly<Record<string, BackendResult>>): string {
  let text = ''
  for (const [name, { protocol, ok, endpoints, error }] of Object.entries(backends)) {
    text += `\nbackend ${name} (${protocol})\n`
    if (error !== undefined) text += `  × cannot be built: ${error}\n`
    for (const endpoint of endpoints) text += endpointText(endpoint)
    if (!ok && error === undefined && endpoints.every(endpoint => endpoint.ok)) text += '  × not usable as a whole\n'
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
