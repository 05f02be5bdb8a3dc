/**
 * Tells in milliseconds whether dist/ belongs to the sources as they are: dist/build.json holds a hash over the path, size
 * and time of change of every input and the version of Node that the code cache is for. No dependencies.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const INPUTS = ['src', 'listeners', 'codecs', 'bin', 'package.json', 'package-lock.json', 'scripts/build.mjs']

/** The hash of all inputs below root and of Node's version. */
export function fingerprint(root = ROOT) {
  const hash = createHash('sha256').update(process.version)
  const visit = path => {
    const full = join(root, path)
    const stat = statSync(full, { throwIfNoEntry: false })
    if (stat?.isDirectory()) {
      for (const name of readdirSync(full).sort()) visit(`${path}/${name}`)
    } else if (stat) hash.update(`\n${path} ${stat.size} ${stat.mtimeMs}`)
  }
  for (const input of INPUTS) visit(input)
  return hash.digest('hex')
}

/** True when dist/ was built from exactly these inputs by this version of Node. */
export function isBuilt(root = ROOT) {
  try {
    const built = JSON.parse(readFileSync(join(root, 'dist/build.json'), 'utf8'))
    return built.fingerprint === fingerprint(root)
  } catch {
    return false
  }
}
