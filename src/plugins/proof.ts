/**
 * The proof of a plug-in: a file beside the manifest, written when every implementation has passed the conformance file. It
 * holds a digest of the folder, so that any change voids it. It guards against oversight, not against forgery.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { Manifest } from './manifest.ts'
import { PluginError } from './plugin.ts'

export const PROOF = 'proof.json'
const MAX_FILES = 500
const MAX_BYTES = 16 * 1024 * 1024

const schema = z.object({
  digest: z.string(),
  date: z.string(),
  versions: z.record(z.string(), z.string()),
  /** By implementation and case. */
  results: z.record(z.string(), z.record(z.string(), z.literal('passed'))),
})

export type Proof = z.output<typeof schema>

/** How a plug-in stands: the proof, or why there is none that holds. */
export type Standing = { readonly proof: Proof } | { readonly doubt: string }

export async function readProof(folder: string, manifest: Manifest, digest: string): Promise<Standing> {
  const text = await readFile(join(folder, PROOF), 'utf8').catch(() => undefined)
  if (text === undefined) return { doubt: `it has no ${PROOF}` }
  const proof = parsed(text)
  if (!proof) return { doubt: `its ${PROOF} is not one` }
  if (proof.digest !== digest) return { doubt: `its files have changed since it was proved on ${proof.date}` }
  const unproved = Object.keys(manifest.implementations).filter(
    name => Object.keys(proof.results[name] ?? {}).length === 0,
  )
  if (unproved.length > 0) return { doubt: `its ${PROOF} says nothing of ${unproved.join(', ')}` }
  return { proof }
}

function parsed(text: string): Proof | undefined {
  try {
    return z.safeParse(schema, JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export async function writeProof(folder: string, proof: Proof): Promise<void> {
  await writeFile(join(folder, PROOF), `${JSON.stringify(proof, null, 2)}\n`)
}

/** Over the names and contents of all files but the proof. Rejects with a PluginError for a folder that is too large. */
export async function folderDigest(folder: string): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  const files = await filesBelow(folder, '', [])
  for (const path of files.sort()) {
    const content = await readFile(join(folder, path)).catch(error => unreadable(join(folder, path), error))
    bytes += content.length
    if (bytes > MAX_BYTES) throw tooLarge(folder)
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return `sha256:${hash.digest('hex')}`
}

/** Names that begin with two dots are Kubernetes', by which it changes a mounted folder at once. */
async function filesBelow(folder: string, below: string, found: string[]): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(error =>
    unreadable(join(folder, below), error),
  )
  for (const entry of entries) {
    const path = below ? `${below}/${entry.name}` : entry.name
    if (path === PROOF || entry.name.startsWith('..')) continue
    if (entry.isDirectory()) await filesBelow(folder, path, found)
    else if ((await stat(join(folder, path)).catch(error => unreadable(join(folder, path), error))).isFile())
      found.push(path)
    else throw new PluginError(`${join(folder, path)} is no file: a plug-in consists of files and folders`)
    if (found.length > MAX_FILES) throw tooLarge(folder)
  }
  return found
}

function unreadable(path: string, error: unknown): never {
  throw new PluginError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
}

function tooLarge(folder: string): PluginError {
  return new PluginError(
    `${folder} has more than ${MAX_FILES} files or 16 MiB: bundle the module with what it depends on`,
  )
}
