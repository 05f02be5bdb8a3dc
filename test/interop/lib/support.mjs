// Modules of other tests, which are in TypeScript, for these programs, which run as they are.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const loaded = new Map()

/** What such a module exports; the path is seen from test/. */
export function support(name) {
  if (!loaded.has(name)) loaded.set(name, load(name))
  return loaded.get(name)
}

async function load(name) {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-support-'))
  const outfile = join(dir, 'module.mjs')
  const entry = fileURLToPath(new URL(`../../${name}`, import.meta.url))
  try {
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' })
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
