/**
 * Builds a Portolan without metrics and policy, to see what these cost: the same sources, their functions cut short.
 *
 *     node bench/bare.mjs /tmp/bare
 *     npm run bench -- redis --portolan-variant bare=/tmp/bare --peers 'portolan*' --reps 7
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { bundleOptions } from '../scripts/build.mjs'
import { ROOT } from '../scripts/build-state.mjs'

/** By file: what is found there, and what stands in its place. All that is done for each request or read. */
const CUTS = {
  'src/observability/operation-stats.ts': [
    [/(function bucketOf\([^)]*\): number \{)/, '$1 return 0;'],
    [/( {2}record\([^)]*\): void \{)/, '$1 return;'],
    [/( {2}count\([^)]*\): void \{)/, '$1 return;'],
  ],
  'listeners/mysql/observer.ts': [
    [/digest: this\.digests\.find\(scanner\)/, 'digest: null'],
    [/( {2}answered\([^)]*\): number \{)/, '$1 return (session.activeAt = this.#runtime.clock.now());'],
    [/( {2}pinned\([^)]*\): void \{)/, '$1 return;'],
  ],
  'listeners/redis/access.ts': [[/(function refusal\([^)]*\): Buffer \| undefined \{)/, '$1 return undefined;']],
  'listeners/redis/request-input.ts': [[/facts\.received \+= n\n/, '\n']],
  'listeners/redis/outlet.ts': [[/this\.sent \+= end - start\n/, '\n']],
}

const missing = new Set(Object.keys(CUTS))
const cut = {
  name: 'cut',
  setup({ onLoad }) {
    for (const [file, cuts] of Object.entries(CUTS)) {
      const path = join(ROOT, file)
      onLoad({ filter: new RegExp(`${file.replaceAll('.', '\\.')}$`) }, () => {
        missing.delete(file)
        let contents = readFileSync(path, 'utf8')
        for (const [pattern, replacement] of cuts) {
          if (!pattern.test(contents)) throw new Error(`${file} has changed: there is no ${pattern}`)
          contents = contents.replace(pattern, replacement)
        }
        return { contents, loader: 'ts' }
      })
    }
  },
}

const [target] = process.argv.slice(2)
if (target === undefined) {
  console.error('usage: node bench/bare.mjs FOLDER')
  process.exit(2)
}
const folder = resolve(target)
const { plugins, ...options } = bundleOptions
mkdirSync(join(folder, 'dist'), { recursive: true })
await build({ ...options, plugins: [cut, ...plugins], outfile: join(folder, 'dist/portolan.cjs') })
if (missing.size > 0) throw new Error(`no part of the program any more: ${[...missing].join(', ')}`)
cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true })
