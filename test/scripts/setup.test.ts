import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { fingerprint, isBuilt } from '../../scripts/build-state.mjs'
import { isInstalled } from '../../scripts/node-packages.mjs'
import { installCommand, installScript, missingPackages } from '../../scripts/system-packages.mjs'

const SETUP = join(import.meta.dirname, '../../scripts/setup.mjs')
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A temporary folder with these files; the text of a file by its path. */
function folder(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'setup-'))
  cleanups.push(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

describe('the build', () => {
  test('is stale when it is absent, broken, or an input was changed, added or removed', () => {
    const root = folder({ 'src/a.ts': '1', 'src/deep/b.ts': '2', 'package.json': '{}' })
    expect(isBuilt(root)).toBe(false)
    const markBuilt = () => {
      mkdirSync(join(root, 'dist'), { recursive: true })
      writeFileSync(join(root, 'dist/build.json'), JSON.stringify({ fingerprint: fingerprint(root) }))
      expect(isBuilt(root)).toBe(true)
    }
    const changes = [
      () => utimesSync(join(root, 'src/deep/b.ts'), 1, 1),
      () => writeFileSync(join(root, 'src/deep/c.ts'), ''),
      () => rmSync(join(root, 'src/a.ts')),
      () => writeFileSync(join(root, 'package.json'), '{ }'),
      () => writeFileSync(join(root, 'dist/build.json'), '{'),
    ]
    for (const change of changes) {
      markBuilt()
      change()
      expect(isBuilt(root)).toBe(false)
    }
  })

  test('is not stale when something else changes', () => {
    const root = folder({ 'src/a.ts': '1' })
    const before = fingerprint(root)
    writeFileSync(join(root, 'README.md'), 'x')
    expect(fingerprint(root)).toBe(before)
  })
})

describe('npm packages', () => {
  const lock = (packages: object) => JSON.stringify({ packages })

  test.each([
    ['the same versions', { 'node_modules/a': { version: '1.0.0' } }, true],
    ['another version', { 'node_modules/a': { version: '1.0.1' } }, false],
    ['a package less', {}, false],
  ])('%s', (_, present, expected) => {
    const wanted = {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/other-system': { version: '2.0.0', optional: true },
    }
    const root = folder({ 'package-lock.json': lock(wanted), 'node_modules/.package-lock.json': lock(present) })
    expect(isInstalled(root)).toBe(expected)
  })

  test('none at all', () => {
    expect(isInstalled(folder({ 'package-lock.json': lock({}) }))).toBe(false)
  })
})

describe('packages of the system', () => {
  test('are looked for on the PATH, as programs that may be run', () => {
    const programs = ['redis-server', 'redis-cli', 'mariadbd', 'mariadb']
    const bin = folder(Object.fromEntries(programs.map(program => [program, ''])))
    const missing = () => missingPackages('start', bin).map(({ name }) => name)
    // mariadbd may be in sbin, where it is found whatever the PATH.
    expect(missing()).toEqual(expect.arrayContaining(['redis-server', 'redis-tools', 'mariadb-client-core']))
    for (const program of programs) chmodSync(join(bin, program), 0o755)
    expect(missing()).toEqual([])
  })

  test('are installed without starting their services', () => {
    const packages = [{ name: 'redis-server', service: 'redis-server' }, { name: 'tcl' }] as Parameters<
      typeof installScript
    >[0]
    expect(installCommand(packages)).toBe(
      'apt-get update && apt-get install -y --no-install-recommends redis-server tcl',
    )
    const script = installScript(packages)
    expect(script).toContain('exit 101')
    expect(script).toContain('for service in redis-server;')
    expect(spawnSync('sh', ['-n', '-c', script]).status).toBe(0)
  })

  test('are kept from starting only while they are installed', () => {
    const root = folder({ 'apt-get': '#!/bin/sh\ncat "$POLICY" >>"$SEEN"\n' })
    chmodSync(join(root, 'apt-get'), 0o755)
    const [policy, seen] = [join(root, 'policy-rc.d'), join(root, 'seen')]
    const script = installScript([]).replace('/usr/sbin/policy-rc.d', policy)
    const env = { PATH: `${root}:${process.env['PATH']}`, POLICY: policy, SEEN: seen }
    expect(spawnSync('sh', ['-c', script], { env }).status).toBe(0)
    expect(readFileSync(seen, 'utf8')).toContain('exit 101')
    expect(existsSync(policy)).toBe(false)
    writeFileSync(policy, 'of someone else')
    expect(spawnSync('sh', ['-c', script], { env }).status).toBe(0)
    expect(readFileSync(policy, 'utf8')).toBe('of someone else')
  })

  test('are named with the command that installs them when this user may not', () => {
    const bin = folder({ 'apt-get': '#!/bin/sh\nexit 100\n', 'fake.cjs': 'process.getuid = () => 1000' })
    chmodSync(join(bin, 'apt-get'), 0o755)
    symlinkSync(process.execPath, join(bin, 'node'))
    const { status, stderr } = setup(['--require', join(bin, 'fake.cjs')], ['interop'], { PATH: bin })
    expect(stderr).toContain('apt-get update && apt-get install -y --no-install-recommends')
    expect(stderr).toMatch(/\btcl\b/)
    expect(status).toBe(1)
  })
})

test('an old Node is told what is needed', () => {
  const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.3' } })"
  const { status, stderr } = setup(['--require', join(folder({ 'old.cjs': old }), 'old.cjs')], ['start'], {})
  expect(stderr).toContain('needs Node.js 20.19 or later')
  expect(status).toBe(1)
})

test('an unknown purpose is told which there are', () => {
  const { status, stderr } = setup([], ['toString'], {})
  expect(stderr).toContain('start|test|interop|bench')
  expect(status).toBe(2)
})

function setup(flags: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv) {
  return spawnSync(process.execPath, [...flags, SETUP, ...args], { encoding: 'utf8', env: { ...process.env, ...env } })
}
