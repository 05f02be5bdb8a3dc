/** Memory of Portolan as a process of its own, by the soak scripts in small: a large value, and many idle clients. */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

let folder: string
let program: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-memory-'))
  program = join(folder, 'bin/portolan.cjs')
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    external: ['pino', 'prom-client'],
    logLevel: 'error',
    outfile: join(folder, 'dist/portolan.cjs'),
  })
  mkdirSync(join(folder, 'bin'))
  copyFileSync(join(ROOT, 'bin/portolan.cjs'), program)
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function soak(script: string, argument: number): Promise<string> {
  const args = [join(ROOT, 'test/soak', script), String(argument)]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, SOAK_PROGRAM: program },
    timeout: 25_000,
  })
  return stdout
}

test('a value of 128 MiB is stored and read in flat memory', async () => {
  expect(await soak('values.mjs', 128)).toMatch(/^values: 128 MiB in and out, memory grew by \d+ MiB/)
})

test('reloads under load by the admin listener lose no request', async () => {
  expect(await soak('reloads.mjs', 20)).toMatch(/20 reloads, \d+ requests, none failed/)
})
