/** `npm run dev [-- arguments of run]`: builds on every change of the sources and starts the quickstart again. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as esbuild from 'esbuild'
import { bundleOptions } from './build.mjs'
import { ROOT } from './build-state.mjs'

const args = process.argv.length > 2 ? process.argv.slice(2) : ['-c', 'examples/quickstart/portolan.yaml']
const OUTFILE = 'dist/dev/portolan.cjs'
let child

const restart = {
  name: 'restart',
  setup(build) {
    build.onEnd(async ({ errors }) => {
      if (errors.length > 0) return
      await end()
      child = spawn(process.execPath, ['--enable-source-maps', OUTFILE, 'run', ...args], {
        cwd: ROOT,
        stdio: 'inherit',
      })
    })
  },
}

async function end() {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

const context = await esbuild.context({
  ...bundleOptions,
  // Run as it is, without the launcher.
  banner: {},
  footer: {},
  outfile: OUTFILE,
  sourcemap: 'inline',
  logLevel: 'info',
  plugins: [...bundleOptions.plugins, restart],
})
await context.watch()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await context.dispose()
    await end()
    process.exit(0)
  })
}
