/** plugin.yaml: what a plug-in is called, which files it consists of, and in which ways it can be implemented. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod/mini'
import { PluginError } from './plugin.ts'

export const MANIFEST = 'plugin.yaml'
const MAX_BYTES = 64 * 1024

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const name = () => z.string().check(z.regex(NAME, 'must be words in lower case with dashes between them'))
/** A file of the folder itself or below it. */
const file = (ending: RegExp) =>
  z.string().check(
    z.refine(path => !path.startsWith('/') && !path.split('/').includes('..'), 'must lie inside the folder'),
    z.regex(ending, `must end as ${ending.source.replaceAll(/[\\$]/g, '')}`),
  )

const schema = z.strictObject({
  name: name(),
  proto: file(/\.proto$/),
  /** Full name of the service in the .proto. */
  service: z.string().check(z.regex(/^\w+(\.\w+)+$/, 'must be the full name of the service, with its package')),
  module: file(/\.m?js$/),
  conformance: file(/\.m?js$/),
  /** By name; the product that each stands for. */
  implementations: z.record(name(), z.strictObject({ product: z.string().check(z.minLength(1)) })),
})

export type Manifest = z.output<typeof schema>

/** Rejects with a PluginError that tells everything that is wrong. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST)
  const text = await readFile(path, 'utf8').catch(error => {
    throw new PluginError(
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code}): a plug-in is a folder with one`,
    )
  })
  if (text.length > MAX_BYTES) throw new PluginError(`${path} is larger than 64 KiB`)
  const { success, data, error } = z.safeParse(schema, contentOf(path, text))
  if (!success) {
    const problems = error.issues.map(issue => `${issue.path.join('.') || 'the file'}: ${wordsOf(issue)}`)
    throw new PluginError(`${path}: ${problems.join('; ')}`)
  }
  const products = Object.values(data.implementations).map(({ product }) => product.toLowerCase())
  if (new Set(products).size < 2) {
    throw new PluginError(
      `${path}: implementations must name at least two, of different products: what only one product can do ties the application to it`,
    )
  }
  return data
}

/** Zod’s mini form has no words of its own for these. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown ${issue.keys.join(', ')}`
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  return issue.code === 'invalid_type' ? `must be there, as a ${issue.expected}` : issue.message
}

function contentOf(path: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (error) {
    throw new PluginError(`${path}: ${(error as Error).message.split('\n')[0]}`)
  }
}
