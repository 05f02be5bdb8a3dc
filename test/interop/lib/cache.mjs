// Where things of others live at run time: a folder outside the tree, filled from npm, PyPI and Debian's archive by
// their ordinary clients, kept between runs. Nothing in it is ever committed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

export const cacheRoot =
  process.env['PORTOLAN_INTEROP_CACHE'] ?? join(tmpdir(), `portolan-interop-${userInfo().username}`)

/** A folder of the cache, made when it is missing. */
export function cacheDir(...names) {
  const dir = join(cacheRoot, ...names)
  mkdirSync(dir, { recursive: true })
  return dir
}

/** Something that cannot be had on this machine: its programs are reported as skipped, with this reason. */
export class Unavailable extends Error {
  name = 'Unavailable'
}

/** A registry that does not answer must not hold up everything else; the slowest, Maven's first time, takes a minute. */
const SH_TIMEOUT_MS = 240_000

/** Runs a command to its end and returns its output; throws Unavailable with the end of what it said. */
export function sh(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: SH_TIMEOUT_MS, ...options })
  if (result.error) throw new Unavailable(`${command}: ${result.error.message}`)
  if (result.status !== 0) {
    const said = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-3).join(' | ')
    throw new Unavailable(`${command} ${args.join(' ')}: exit ${result.status}: ${said}`)
  }
  return result.stdout
}

/**
 * Makes a folder once: `fill` works in a temporary folder that takes its final name only when all went well, so that a
 * broken download is never taken for a finished one. `recipe` is whatever changes the content.
 */
export function once(name, recipe, fill) {
  const hash = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 8)
  const dir = join(cacheDir(), `${name}-${hash}`)
  if (existsSync(dir)) return dir
  const work = join(cacheDir(), `.${name}-${hash}.${process.pid}`)
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work)
  fill(work)
  try {
    renameSync(work, dir)
  } catch (error) {
    if (!existsSync(dir)) throw error // else another run was faster
    rmSync(work, { recursive: true, force: true })
  }
  return dir
}

/** The folder of a node_modules that holds these packages under these names: `{ redis5: 'npm:redis@5' }`. */
export function npmPackages(name, dependencies) {
  return once(`npm-${name}`, dependencies, dir => {
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', '--fetch-retries=1']
    sh('npm', ['install', ...quiet], { cwd: dir })
  })
}

/** The version that npm put into such a folder. */
export function npmVersion(dir, name) {
  return JSON.parse(readFileSync(join(dir, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** A folder for PYTHONPATH that holds these requirements, for this interpreter. */
export function pipPackages(name, requirements, interpreter) {
  return once(`pip-${name}`, requirements, dir => {
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--retries', '1']
    sh(interpreter, ['-m', 'pip', 'install', ...quiet, '--target', dir, ...requirements], {
      env: { ...process.env, PIP_ROOT_USER_ACTION: 'ignore' },
    })
  })
}

/**
 * apt-get and apt-cache on Debian's archive with lists of their own, so neither the machine's configuration nor root is
 * needed. `kind` is `deb` or `deb-src`.
 */
function debianArchive(dir, kind, suite) {
  const apt = join(dir, 'apt')
  mkdirSync(join(apt, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(apt, 'archives', 'partial'), { recursive: true })
  const key = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
  const mirror = 'http://deb.debian.org'
  const sources = [`${kind} ${key} ${mirror}/debian ${suite} main`]
  // What is unstable has no releases, and so no fixes of them.
  if (suite !== 'sid') sources.push(`${kind} ${key} ${mirror}/debian-security ${suite}-security main`)
  writeFileSync(join(apt, 'sources.list'), `${sources.join('\n')}\n`)
  const settings = [
    `Dir::Etc::sourcelist=${apt}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${apt}/lists`,
    `Dir::Cache=${apt}`,
    'APT::Sandbox::User=',
    'Acquire::Retries=1',
    'Acquire::http::Timeout=30',
  ].flatMap(setting => ['-o', setting])
  const run = (program, ...args) => sh(program, [...settings, ...args], { cwd: dir })
  run('apt-get', '-qq', 'update')
  return run
}

/** The upstream source of a Debian package, unpacked. */
export function debianSource(name, suite, upstreamVersion) {
  return once(`debian-${name}`, [suite, upstreamVersion], dir => {
    const run = debianArchive(dir, 'deb-src', suite)
    const found = run('apt-cache', 'showsrc', name)
      .split('\n')
      .filter(line => line.startsWith('Version: '))
      .map(line => line.slice('Version: '.length))
      .filter(version => version.replace(/^\d+:/, '').startsWith(`${upstreamVersion}-`))
    if (found.length === 0) throw new Unavailable(`Debian ${suite} has no source of ${name} ${upstreamVersion}`)
    run('apt-get', '-qq', 'source', '--download-only', '--tar-only', `${name}=${found.at(-1)}`)
    sh('tar', ['--strip-components=1', '-xf', `${name}_${upstreamVersion}.orig.tar.gz`], { cwd: dir })
  })
}

/** The files of a binary Debian package, unpacked but not installed. */
export function debianPackage(name, suite) {
  return once(`debian-${name}`, [suite], dir => {
    const run = debianArchive(dir, 'deb', suite)
    run('apt-get', '-qq', 'download', name)
    const file = readdirSync(dir).find(entry => entry.endsWith('.deb'))
    sh('dpkg', ['-x', file, '.'], { cwd: dir })
    writeFileSync(join(dir, 'version'), file.split('_')[1])
  })
}

/**
 * A tree that programs of Debian packages run in by chroot, with all that they need: unpacked, not installed, and nothing of
 * the machine's own. Needs root to be of use.
 */
export function debianTree(name, suite, packages) {
  return once(`debian-tree-${name}`, [suite, packages], dir => {
    const apt = join(dir, 'apt')
    const run = debianArchive(dir, 'deb', suite)
    mkdirSync(join(apt, 'archives', 'partial'), { recursive: true })
    writeFileSync(join(apt, 'status'), '')
    const nothingInstalled = ['-o', `Dir::State=${apt}`, '-o', `Dir::State::status=${apt}/status`]
    const wanted = ['-qq', '-y', '--no-install-recommends', '--download-only', 'install', ...packages]
    run('apt-get', ...nothingInstalled, ...wanted)
    for (const part of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(dir, 'usr', part), { recursive: true })
      symlinkSync(`usr/${part}`, join(dir, part))
    }
    for (const part of ['etc', 'srv', 'tmp']) mkdirSync(join(dir, part), { recursive: true })
    for (const file of readdirSync(join(apt, 'archives')).filter(entry => entry.endsWith('.deb'))) {
      sh('dpkg', ['-x', join(apt, 'archives', file), dir])
    }
    rmSync(apt, { recursive: true })
  })
}
