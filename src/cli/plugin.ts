/** `portolan plugin verify`: shows that the implementations of a plug-in are interchangeable, and writes that down. */
import { join } from 'node:path'
import type { AppConfig, Registry } from '../config/index.ts'
import { inspectPlugin, PluginError, type PluginSummary, PROOF, summaryOf, verifyPlugin } from '../plugins/index.ts'
import { EXIT } from './exit-codes.ts'
import type { Output } from './schema.ts'

/** Resolves with the exit code: 0 when every case passed with every implementation. */
export async function runPluginVerify(folder: string, out: Output): Promise<number> {
  try {
    const { plugin, results, proof } = await verifyPlugin(folder, new Date())
    let text = `${plugin.manifest.name} (${plugin.manifest.service})\n`
    for (const [implementation, cases] of Object.entries(results)) {
      text += `\n${implementation} (${plugin.manifest.implementations[implementation]!.product})\n`
      for (const [name, result] of Object.entries(cases))
        text += result === 'passed' ? `  √ ${name}\n` : `  × ${name}: ${result}\n`
    }
    const path = join(plugin.folder, PROOF)
    out.write(`${text}\n${proof ? `√ proved: ${path} is written` : '× not proved'}\n`)
    return proof ? EXIT.ok : EXIT.probeFailed
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    out.write(`× ${error.message}\n`)
    return EXIT.invalidConfiguration
  }
}

export interface ConfiguredPlugins {
  readonly plugins: readonly PluginSummary[]
  /** What keeps the others from being loaded, each with its place in the configuration. */
  readonly problems: readonly { readonly path: string; readonly message: string }[]
}

/** The plug-ins of a configuration as their files tell; none of their code is run. */
export async function configuredPlugins({ listeners }: AppConfig, registry: Registry): Promise<ConfiguredPlugins> {
  const plugins: PluginSummary[] = []
  const problems: ConfiguredPlugins['problems'][number][] = []
  for (const { name, protocol, options } of listeners) {
    const uses = registry.protocols.find(each => each.name === protocol)?.plugins?.(options) ?? []
    for (const [i, use] of uses.entries()) {
      try {
        plugins.push(summaryOf(await inspectPlugin(use.folder), use))
      } catch (error) {
        if (!(error instanceof PluginError)) throw error
        problems.push({ path: `listeners.${name}.plugins[${i}]`, message: error.message })
      }
    }
  }
  return { plugins, problems }
}
