/**
 * What stands behind `npm start`, `npm test`, `npm run test:interop` and `npm run bench`: makes a fresh clone ready for
 * it (packages, build), at once when it is, and then does it. Uses nothing but Node, which it checks first.
 */
const REQUIRED = [20, 19]
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1])) {
  console.error(
    `Portolan needs Node.js ${REQUIRED.join('.')} or later; this is ${process.version} (${process.execPath}).`,
  )
  console.error('Get one from https://nodejs.org or your package manager, and run the same command again.')
  process.exit(1)
}

const { spawnSync } = await import('node:child_process')
const { isBuilt, ROOT } = await import('./build-state.mjs')
const { installPackages } = await import('./node-packages.mjs')
const { installMissing } = await import('./system-packages.mjs')

const PURPOSES = {
  start: async args => (await import('./quickstart.mjs')).quickstart(args),
  // With arguments it is a part that is wanted: those are for vitest, and the checks are left out.
  test: args => {
    if (args.length === 0) {
      run('node_modules/typescript/bin/tsc', '--noEmit')
      run('node_modules/@biomejs/biome/bin/biome', 'check', '.')
    }
    run('node_modules/vitest/vitest.mjs', 'run', ...args)
  },
  interop: args => run('test/interop/run.mjs', ...args),
  bench: args => run('bench/run.mjs', ...args),
}

/** Runs a program of Node's to its end; when it fails, so do we. */
function run(script, ...args) {
  const { status, signal } = spawnSync(process.execPath, [script, ...args], { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) process.exit(signal ? 1 : status)
}

const [purpose, ...args] = process.argv.slice(2)
if (!Object.hasOwn(PURPOSES, purpose ?? '')) {
  console.error(`usage: node scripts/setup.mjs ${Object.keys(PURPOSES).join('|')} [arguments]`)
  process.exit(2)
}
installPackages()
installMissing(purpose)
if (!isBuilt()) {
  console.log('Building')
  run('scripts/build.mjs')
}
await PURPOSES[purpose](args)
