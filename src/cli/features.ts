/** `portolan features`: what each type of component can do; with a configuration, also what it requires and gets. */
import { FEATURES } from '../apis/index.ts'
import { matchRequirements } from '../bind.ts'
import { ConfigError, loadConfig, type Registry } from '../config/index.ts'
import { isMet, knownFeatures, typesWith } from '../features/index.ts'
import { Factory, problemsOf } from '../generation.ts'
import { silentLogger } from '../observability/logger.ts'
import { Metrics } from '../observability/metrics.ts'
import type { PluginSummary } from '../plugins/index.ts'
import { systemClock } from '../protocol.ts'
import { EXIT } from './exit-codes.ts'
import { configuredPlugins } from './plugin.ts'
import type { Output } from './schema.ts'

export interface FeaturesOptions {
  readonly files: readonly string[]
  readonly json: boolean
  readonly registry: Registry
  readonly out: Output
}

/** Resolves with the exit code: 0, or 1 when the configuration is invalid or does not give what it requires. */
export async function runFeatures({ files, json, registry, out }: FeaturesOptions): Promise<number> {
  if (files.length === 0) {
    out.write(json ? `${JSON.stringify(tableOf(registry), null, 2)}\n` : tableText(registry))
    return EXIT.ok
  }
  try {
    const { config } = await loadConfig(files, registry)
    const factory = new Factory({ ...registry, logger: silentLogger, metrics: new Metrics(), clock: systemClock })
    const matches = matchRequirements(factory.generation(config), registry)
    const { plugins, problems } = await configuredPlugins(config, registry)
    const lines = [
      ...matches.map(match => ({ name: match.requirement.name, met: isMet(match), reason: match.reason })),
      ...plugins.map(plugin => ({ name: plugin.name, met: true, reason: pluginText(plugin) })),
      ...problems.map(({ path, message }) => ({ name: path, met: false, reason: `${path}: ${message}` })),
    ]
    const text = lines.map(({ met, reason }) => `${met ? '√' : '×'} ${reason}`).join('\n')
    out.write(json ? `${JSON.stringify(lines, null, 2)}\n` : `${text || 'Nothing is required.'}\n`)
    return lines.every(({ met }) => met) ? EXIT.ok : EXIT.invalidConfiguration
  } catch (error) {
    out.write(`${error instanceof ConfigError ? error.message : problemsOf(error).join('\n')}\n`)
    return EXIT.invalidConfiguration
  }
}

function pluginText({ name, service, implementation, product, level, reason }: PluginSummary): string {
  return `plug-in ${name} serves ${service} by ${implementation} (${product}): level ${level}, ${reason}`
}

/** For each API its features with their meaning and the types that have them; for protocols the features alone. */
function tableOf(registry: Registry) {
  const types = typesWith(registry)
  return Object.fromEntries(
    Object.entries(knownFeatures(registry)).map(([api, features]) => [
      api,
      Object.fromEntries(Object.entries(features).map(([id, meaning]) => [id, { meaning, types: types(id) }])),
    ]),
  )
}

function tableText(registry: Registry): string {
  let text = ''
  for (const [api, features] of Object.entries(tableOf(registry))) {
    text += `${api}\n`
    for (const [id, { meaning, types }] of Object.entries(features)) {
      text += `  ${id.padEnd(30)} ${meaning}\n`
      if (Object.hasOwn(FEATURES, api)) text += `  ${' '.repeat(30)} ${types.join(', ') || 'no type'}\n`
    }
    text += '\n'
  }
  return text
}
