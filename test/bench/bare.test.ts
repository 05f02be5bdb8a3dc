import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('the build without metrics and policy still finds what it cuts out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-bare-'))
  try {
    execFileSync(process.execPath, [fileURLToPath(new URL('../../bench/bare.mjs', import.meta.url)), folder])
    expect(readFileSync(join(folder, 'dist/portolan.cjs'), 'latin1')).toContain('portolan_requests_total')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
