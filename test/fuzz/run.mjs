// The coverage-guided run: `node test/fuzz/run.mjs [--seconds 120] [--folder f] [target ...]`, one target after another,
// one process at a time and at the lowest priority. README.md tells what it needs and what it found so far.

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const JAZZER = '@jazzer.js/core@4.0.0'
const MAX_INPUT_BYTES = 512

const here = dirname(fileURLToPath(import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '120' },
    // Kept, so that the next run goes on with what this one has found.
    folder: { type: 'string', default: join(tmpdir(), 'portolan-fuzz') },
  },
})

const root = join(values.folder, 'root')
const work = join(root, 'work')
mkdirSync(work, { recursive: true })
const run = (command, args, options) => execFileSync(command, args, { stdio: 'inherit', ...options })

await build({
  entryPoints: ['targets.ts', 'corpus.ts'].map(file => join(here, file)),
  outdir: work,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
})
writeFileSync(
  join(work, 'fuzz.js'),
  "const { TARGETS } = require('./targets.cjs')\nexports.fuzz = TARGETS[process.env.TARGET]\n",
)
if (!existsSync(join(work, 'node_modules/@jazzer.js/core'))) {
  writeFileSync(join(work, 'package.json'), '{}')
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', JAZZER], { cwd: work })
}
const prefix = loads() ? [] : chroot()

const { CORPUS } = await import(pathToFileURL(join(work, 'corpus.cjs')).href)
const names = positionals.length > 0 ? positionals : Object.keys(CORPUS)
let crashes = 0
for (const name of names) crashes += fuzz(name)
process.exit(crashes === 0 ? 0 : 1)

function loads() {
  return spawnSync(process.execPath, ['-e', "require('@jazzer.js/core')"], { cwd: work }).status === 0
}

/** Its binary wants a newer libc than Debian 12 has: run it in the next Debian then. */
function chroot() {
  if (!existsSync(join(root, 'usr'))) run('mmdebstrap', ['--variant=minbase', '--skip=check/empty', 'trixie', root])
  copyFileSync(process.execPath, join(root, 'usr/bin/node'))
  return ['chroot', root]
}

/** Returns the number of inputs that broke what must hold. */
function fuzz(name) {
  const corpus = join(work, 'corpus', name)
  const found = join(work, 'crashes', name)
  for (const folder of [corpus, found]) mkdirSync(folder, { recursive: true })
  for (const row of CORPUS[name]) {
    const bytes = Buffer.from(row, 'latin1')
    writeFileSync(join(corpus, createHash('sha1').update(bytes).digest('hex')), bytes)
  }
  const before = new Set(readdirSync(found))
  const inside = prefix.length > 0 ? '/work' : work
  const limits = [
    `-max_total_time=${values.seconds}`,
    `-max_len=${MAX_INPUT_BYTES}`,
    '-timeout=5',
    '-rss_limit_mb=1500',
  ]
  const script =
    'cd "$1" && shift && export TARGET="$1" && shift && exec nice -n 19 node node_modules/@jazzer.js/core/dist/cli.js "$@"'
  const jazzer = ['fuzz', `corpus/${name}`, '--sync', '--', ...limits, `-artifact_prefix=crashes/${name}/`]
  const argv = [...prefix, 'sh', '-c', script, 'sh', inside, name, ...jazzer, '-print_final_stats=1']
  const { stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', maxBuffer: 2 ** 30 })
  const executed = /number_of_executed_units: (\d+)/.exec(stderr)?.[1]
  const coverage = [...stderr.matchAll(/cov: (\d+)/g)].at(-1)?.[1]
  const { length } = readdirSync(corpus)
  process.stdout.write(`${name}: ${executed} executions, coverage ${coverage}, corpus of ${length}\n`)
  if (!executed) process.stdout.write(`${stderr.slice(-4000)}\n`)
  const crashes = readdirSync(found).filter(file => !before.has(file))
  for (const file of crashes) {
    const row = readFileSync(join(found, file)).toString('latin1')
    process.stdout.write(`  ${file}, for the corpus: ${JSON.stringify(row)}\n`)
  }
  if (crashes.length > 0) process.stdout.write(`${stderr.slice(0, 100_000).match(/==.*?(Error.*?)\n\s+at /)?.[1]}\n`)
  return crashes.length
}
