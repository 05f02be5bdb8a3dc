/** The program as a process would start it: launcher and bundle in a folder, made from the source as it is now. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '../..')

/** Bundles this entry, TypeScript at the root of the project, into an empty folder. Returns what `node` is to run. */
export async function buildProgram(folder: string, entry = `import './src/main.ts'`): Promise<string> {
  await build({
    stdin: { contents: entry, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    // As the launcher wants it, and scripts/build.mjs makes it.
    banner: { js: '(function (require) {' },
    footer: { js: '})' },
    supported: { 'dynamic-import': false },
    external: ['lmdb', '@nats-io/*', 'pg', 'pino', 'prom-client'],
    logLevel: 'error',
    outfile: join(folder, 'dist/portolan.cjs'),
  })
  mkdirSync(join(folder, 'bin'))
  const launcher = join(folder, 'bin/portolan.cjs')
  copyFileSync(join(ROOT, 'bin/portolan.cjs'), launcher)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return launcher
}
