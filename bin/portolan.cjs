#!/usr/bin/env node
/**
 * The launcher: runs the bundle in dist/ with V8's code cache, if the build left one that fits, so that nothing is
 * compiled on the way to listening.
 */
'use strict'

// Before anything is loaded: as a container's first process we would not be ended by these signals without handlers.
// `run` takes them over as soon as there is something to drain.
process.once('SIGTERM', () => process.exit(128 + 15))
process.once('SIGINT', () => process.exit(128 + 2))

const { existsSync, readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const vm = require('node:vm')

const dist = join(dirname(__dirname), 'dist')
const filename = join(dist, 'portolan.cjs')
const cache = join(dist, `portolan-${process.version}.cache`)

if (!existsSync(filename)) {
  process.stderr.write('portolan: it is not built yet; run: npm run build\n')
  process.exit(70)
}

// Node's own modules that nothing needs on the way to listening: each is loaded when something of it is first used.
const LATE = new Set(['assert', 'crypto', 'fs/promises', 'os', 'perf_hooks', 'tls', 'v8'])
const requireLate = id => {
  if (!LATE.has(id.replace('node:', ''))) return require(id)
  return new Proxy(() => {}, { get: (_, key) => require(id)[key], apply: (_, _self, args) => require(id)(...args) })
}

// A cache that does not fit (another source, version or flags) is rejected by V8, and the source is compiled.
// The bundle is ASCII, and latin1 is the way to read that without a look at each byte.
const script = new vm.Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: existsSync(cache) ? readFileSync(cache) : undefined,
})
script.runInThisContext()(requireLate)
