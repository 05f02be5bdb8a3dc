/** From a folder to a service: what it consists of is read and judged, then its module is loaded and opened. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { ApiError } from '../apis/index.ts'
import { nearest, readSecret } from '../config/index.ts'
import type { Logger } from '../observability/logger.ts'
import { lint } from './lint.ts'
import { type Manifest, readManifest } from './manifest.ts'
import {
  type Message,
  type PluginContext,
  PluginError,
  type PluginMethod,
  type PluginModule,
  type PluginOptions,
} from './plugin.ts'
import { folderDigest, readProof, type Standing } from './proof.ts'
import { type PluginSchema, parseSchema } from './schema.ts'
import { within } from './within.ts'

/** A plug-in as its files tell, with nothing of it run. */
export interface InspectedPlugin {
  readonly folder: string
  readonly manifest: Manifest
  readonly schema: PluginSchema
  readonly digest: string
  readonly standing: Standing
}

/** Rejects with a PluginError. */
export async function inspectPlugin(path: string): Promise<InspectedPlugin> {
  const folder = resolve(path)
  const manifest = await readManifest(folder)
  for (const file of [manifest.module, manifest.conformance])
    if (!existsSync(join(folder, file)))
      throw new PluginError(`${join(folder, file)} is not there, and the manifest names it`)
  const schema = await parseSchema(folder, manifest)
  const objections = lint(manifest, schema)
  if (objections.length > 0) throw new PluginError(`${join(folder, manifest.proto)}: ${objections.join('; ')}`)
  const digest = await folderDigest(folder)
  return { folder, manifest, schema, digest, standing: await readProof(folder, manifest, digest) }
}

/** A plug-in as it is used, and how portable that leaves an application: 3, or 2 when nothing proves that it can move. */
export interface PluginSummary {
  readonly name: string
  readonly service: string
  readonly implementation: string
  readonly product: string
  readonly level: 2 | 3
  /** When it was proved, or why it is not. */
  readonly reason: string
}

/** Judges a use of it; throws a PluginError when it may not be loaded like that. */
export function summaryOf({ folder, manifest, standing }: InspectedPlugin, use: PluginOptions): PluginSummary {
  const { name, service, implementations } = manifest
  const { implementation } = use
  if (!Object.hasOwn(implementations, implementation)) {
    const known = Object.keys(implementations)
    const meant = nearest(implementation, known)
    throw new PluginError(
      `plug-in ${name} has no implementation ${implementation}${meant ? `; did you mean ${meant}?` : ''}; it has ${known.join(', ')}`,
    )
  }
  const { product } = implementations[implementation]!
  const base = { name, service, implementation, product }
  if ('proof' in standing) return { ...base, level: 3, reason: `proved on ${standing.proof.date}` }
  if (use.unproved) return { ...base, level: 2, reason: `unproved: ${standing.doubt}` }
  throw new PluginError(
    `plug-in ${name} is unproved: ${standing.doubt}; run: portolan plugin verify ${folder}, or set unproved: true to load it all the same, as level 2`,
  )
}

export interface OpenPlugin {
  readonly summary: PluginSummary
  readonly schema: PluginSchema
  readonly methods: Readonly<Record<string, PluginMethod>>
  close(): Promise<void>
}

/** Inspects, judges and opens it. Rejects with a PluginError. */
async function openPlugin(use: PluginOptions, logger: Logger): Promise<OpenPlugin> {
  const plugin = await inspectPlugin(use.folder)
  const summary = summaryOf(plugin, use)
  const entries = Object.entries(use.secrets).map(async ([name, ref]) => [name, await readSecret(ref)] as const)
  const secrets = Object.fromEntries(await Promise.all(entries))
  const { name, service, implementation, level, reason } = summary
  const opened = await openModule(plugin, implementation, use.options, secrets, logger.child({ plugin: name }))
  if (level === 3) logger.info({ plugin: name, service, implementation, level, reason }, 'a plug-in is loaded')
  else
    logger.warn({ plugin: name, service, implementation, level, reason }, 'an unproved plug-in is loaded, as level 2')
  return { ...opened, summary, schema: plugin.schema }
}

/** All that a listener uses, or none. */
export async function openPlugins(uses: readonly PluginOptions[], logger: Logger): Promise<readonly OpenPlugin[]> {
  const opened: OpenPlugin[] = []
  try {
    for (const use of uses) {
      const plugin = await openPlugin(use, logger)
      const { service } = plugin.summary
      const isTaken = opened.some(other => other.summary.service === service)
      opened.push(plugin)
      if (isTaken) throw new PluginError(`two plug-ins serve ${service}: a listener can have one of them`)
    }
    return opened
  } catch (error) {
    await Promise.all(opened.map(plugin => plugin.close()))
    throw error
  }
}

/** One implementation of it, whether proved or not. */
export async function openModule(
  { folder, manifest, schema, digest }: InspectedPlugin,
  implementation: string,
  options: Message,
  secrets: PluginContext['secrets'],
  logger: Logger,
): Promise<Pick<OpenPlugin, 'methods' | 'close'>> {
  const path = join(folder, manifest.module)
  const { open } = importFile<Partial<PluginModule>>(folder, manifest.module, digest)
  if (typeof open !== 'function') throw new PluginError(`${path} exports no function open`)
  const context: PluginContext = { logger, secrets, error: (code, message) => new ApiError(code, message) }
  const opened = await attempt(`${path}: open("${implementation}")`, () => open(implementation, options, context))
  const methods = opened?.methods ?? {}
  const close = async () => {
    await attempt(`${path}: close`, () => opened?.close?.()).catch(error =>
      logger.error({ reason: error.message }, 'a plug-in could not be closed'),
    )
  }
  const missing = Object.keys(schema.methods).filter(name => typeof methods[name] !== 'function')
  if (missing.length === 0) return { methods, close }
  await close()
  throw new PluginError(`${path}: open("${implementation}") gave no method ${missing.join(', ')}`)
}

/**
 * What Node has loaded stays loaded: a folder whose files have changed since cannot be loaded again by this process. Like
 * Node's own table of modules, which it mirrors, this belongs to the process.
 */
const loaded = new Map<string, string>()

/** A module of the folder. `require` loads ESM too, and knows the folder's own packages; the bundle has no import(). */
export function importFile<Module>(folder: string, file: string, digest: string): Module {
  const path = join(folder, file)
  const before = loaded.get(path)
  if (before !== undefined && before !== digest)
    throw new PluginError(`the files of ${folder} have changed since this process loaded them: start it again`)
  try {
    const module = createRequire(path)(path) as Module
    loaded.set(path, digest)
    return module
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_REQUIRE_ASYNC_MODULE')
      throw new PluginError(`${path} has an await at its top level: do it in a function`)
    throw new PluginError(`${path} cannot be loaded: ${message}`)
  }
}

async function attempt<T>(what: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await within(call())
  } catch (error) {
    throw new PluginError(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
