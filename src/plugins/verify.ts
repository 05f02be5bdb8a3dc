/** `portolan plugin verify`: runs the conformance file of a plug-in with each of its implementations. */
import { join } from 'node:path'
import { silentLogger } from '../observability/logger.ts'
import { VERSION } from '../version.ts'
import { type InspectedPlugin, importFile, inspectPlugin, type OpenPlugin, openModule } from './open.ts'
import { type ConformanceModule, type Message, type PluginClient, PluginError } from './plugin.ts'
import { folderDigest, type Proof, writeProof } from './proof.ts'
import type { PluginMethodShape } from './schema.ts'
import { within } from './within.ts'

/** By implementation and case: `passed`, or why not. */
export type Results = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Verification {
  readonly plugin: InspectedPlugin
  readonly results: Results
  /** Written beside the manifest when all passed. */
  readonly proof: Proof | undefined
}

/** Rejects with a PluginError when there is nothing to run. */
export async function verifyPlugin(path: string, now: Date): Promise<Verification> {
  const plugin = await inspectPlugin(path)
  const { folder, manifest, digest } = plugin
  const conformance = importFile<Partial<ConformanceModule>>(folder, manifest.conformance, digest)
  const cases = Object.entries(conformance.cases ?? {})
  if (cases.length === 0) throw new PluginError(`${join(folder, manifest.conformance)} exports no cases`)
  const results: Record<string, Record<string, string>> = {}
  for (const implementation of Object.keys(manifest.implementations))
    results[implementation] = await verifyOne(plugin, implementation, conformance, cases)
  const isProved = Object.values(results).every(each => Object.values(each).every(result => result === 'passed'))
  if (!isProved) return { plugin, results, proof: undefined }
  if ((await folderDigest(folder)) !== digest) throw new PluginError(`the files of ${folder} have changed meanwhile`)
  const versions = { portolan: VERSION, node: process.versions.node }
  const proof: Proof = { digest, date: now.toISOString(), versions, results: results as Proof['results'] }
  await writeProof(folder, proof)
  return { plugin, results, proof }
}

async function verifyOne(
  plugin: InspectedPlugin,
  implementation: string,
  conformance: Partial<ConformanceModule>,
  cases: readonly (readonly [string, ConformanceModule['cases'][string]])[],
): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  const all = (result: string) => Object.fromEntries(cases.map(([name]) => [name, result]))
  try {
    const prepared = (await within(conformance.prepare?.(implementation))) ?? {}
    try {
      const { options = {}, secrets = {} } = prepared
      const opened = await openModule(plugin, implementation, options, secrets, silentLogger)
      const client = clientOf(opened, plugin.schema.methods)
      for (const [name, run] of cases) results[name] = await outcome(() => run(client))
      await opened.close()
    } finally {
      await within(prepared.close?.())
    }
  } catch (error) {
    return all(messageOf(error))
  }
  return results
}

async function outcome(run: () => void | Promise<void>): Promise<string> {
  try {
    await within(run())
    return 'passed'
  } catch (error) {
    return messageOf(error)
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)) || 'failed without a message'
}

/** Requests and responses go through their bytes, as they do between processes. */
function clientOf({ methods }: Pick<OpenPlugin, 'methods'>, shapes: Readonly<Record<string, PluginMethodShape>>) {
  const clients = Object.entries(shapes).map(([name, { request, response, responseStream }]) => {
    const sent = (message: Message) => request.decode(request.encode(message))
    const received = (message: object) => response.decode(response.encode(message))
    const call = { signal: new AbortController().signal }
    const unary = async (message: Message) => received((await methods[name]!(sent(message), call)) as Message)
    async function* stream(message: Message) {
      for await (const each of methods[name]!(sent(message), call) as AsyncIterable<Message>) yield received(each)
    }
    return [name, responseStream ? stream : unary] as const
  })
  return Object.fromEntries(clients) as PluginClient
}
