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

// Node's own modules that nothing needs on the way to listening: each is loaded when something of it is first used. From
// then on it is an object like any other: to ask require() for each hash of a request cost 4 % of it.
const LATE = new Set(['assert', 'crypto', 'fs/promises', 'os', 'perf_hooks', 'tls', 'v8'])
const requireLate = id => {
  if (!LATE.has(id.replace('node:', ''))) return require(id)
  const late = (...args) => require(id)(...args)
  const load = (_, key) => {
    const loaded = require(id)
    Object.defineProperties(late, Object.getOwnPropertyDescriptors(loaded))
    return loaded[key]
  }
  return Object.setPrototypeOf(late, new Proxy({}, { get: load }))
}

// A cache that does not fit (another source, version or flags) is rejected by V8, and the source is compiled.
// The bundle is ASCII, and latin1 is the way to read that without a look at each byte.
const script = new vm.Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: existsSync(cache) ? readFileSync(cache) : undefined,
})
script.runInThisContext()(requireLate)
