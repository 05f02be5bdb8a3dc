/** Keeps node_modules in step with package-lock.json. No dependencies. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './build-state.mjs'

/** True when what npm noted in node_modules is what the lockfile asks for; its times of change say nothing after a clone. */
export function isInstalled(root = ROOT) {
  try {
    const read = path => JSON.parse(readFileSync(join(root, path), 'utf8')).packages
    const wanted = read('package-lock.json')
    const present = read('node_modules/.package-lock.json')
    return Object.entries(wanted).every(([path, { version, optional }]) => {
      if (path === '') return true
      return present[path] ? present[path].version === version : optional === true
    })
  } catch {
    return false
  }
}

/** Runs `npm ci` when it is needed; ends the process when that fails. */
export function installPackages() {
  if (isInstalled()) return
  console.log('Installing npm packages')
  const { status } = npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  if (status === 0 && isInstalled()) return
  console.error('npm ci failed: see above. It needs the npm registry, or the one that your .npmrc names.')
  process.exit(1)
}

/** npm itself when it started us, so that this also works where npm is a shell script of another name. */
function npm(args) {
  const options = { cwd: ROOT, stdio: 'inherit' }
  const { npm_execpath: cli } = process.env
  if (cli?.endsWith('.js')) return spawnSync(process.execPath, [cli, ...args], options)
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
}
