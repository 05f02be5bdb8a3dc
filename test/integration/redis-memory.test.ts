/** Memory of Portolan as a process of its own, by the soak scripts in small: a large value, and many idle clients. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildProgram } from '../support/program.ts'

const ROOT = join(import.meta.dirname, '../..')

let folder: string
let program: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-memory-'))
  program = await buildProgram(folder)
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
