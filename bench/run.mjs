// Entry of the benchmarks: bundles them into a temporary folder, runs them there and removes the folder.
// `node bench/run.mjs --help` lists the options.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'portolan-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const args = process.argv.slice(2)
const program = args[0] === 'codecs' ? 'codecs/main' : 'main'

await build({
  // The load clients are processes of their own, so that they can be pinned apart from the process that measures.
  entryPoints: [
    `${program}.ts`,
    ...[
      'lib/latency-client.ts',
      'lib/idle-clients.ts',
      'suites/s3-backend.ts',
      'suites/s3-upload.ts',
      'suites/api-load.ts',
    ],
  ].map(file => join(here, file)),
  outdir: folder,
  outbase: here,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // As the program is built: numbers of hot loops are written into them.
  minifySyntax: true,
  // For what CommonJS packages in the bundle require of Node.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  sourcemap: 'inline',
  logLevel: 'warning',
})
const { main } = await import(pathToFileURL(join(folder, `${program}.mjs`)).href)
process.exit(await main({ args, root: dirname(here), folder }))
