/**
 * Preloaded into one run of the program (node --require): at its end, writes V8's code cache of the bundle to
 * PORTOLAN_CODE_CACHE. Taken that late it holds the functions compiled lazily on the way to serving, not only the
 * outermost one. It hooks vm.Script, so that the cache fits however bin/portolan.cjs wraps the source.
 */
'use strict'
const { renameSync, writeFileSync } = require('node:fs')
const { setFlagsFromString } = require('node:v8')
const vm = require('node:vm')

const target = process.env.PORTOLAN_CODE_CACHE
delete process.env.PORTOLAN_CODE_CACHE
const Script = vm.Script
/** @type {import('node:vm').Script | undefined} */
let bundle

vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options)
    if (String(options?.filename).endsWith('portolan.cjs')) bundle = this
  }
}

process.on('exit', () => {
  if (!bundle || !target) return
  // V8 takes a cache only with the flags it was made with: those before src/cli/young-generation.ts.
  setFlagsFromString('--semi-space-growth-factor=2')
  writeFileSync(`${target}.new`, bundle.createCachedData())
  renameSync(`${target}.new`, target)
})
