/** The README's tables of options and metrics come from the schemas; this fails when they have moved apart. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'portolan-docs-'))
afterAll(() => rmSync(folder, { recursive: true }))

function docs(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.mjs', ...args], { encoding: 'utf8' })
  return { status, stderr }
}

function write(text: string): string {
  const path = join(folder, 'README.md')
  writeFileSync(path, text)
  return path
}

const MARKERS = `# Title
<!-- options:start -->
STALE
<!-- options:end -->
between
<!-- metrics:start --><!-- metrics:end -->
<!-- profiles:start --><!-- profiles:end -->
<!-- trust:start --><!-- trust:end -->
<!-- features:start --><!-- features:end -->
end
`

describe('the tables of the README', () => {
  it.runIf(existsSync('README.md'))('are up to date', () => {
    expect(docs('--check')).toEqual({ status: 0, stderr: '' })
  })

  it('are written between the markers, and then are up to date', () => {
    const path = write(MARKERS)
    expect(docs('--check', path).stderr).toContain('is out of date; run: node scripts/docs.mjs')
    expect(readFileSync(path, 'utf8')).toBe(MARKERS)
    expect(docs(path)).toEqual({ status: 0, stderr: '' })
    const text = readFileSync(path, 'utf8')
    expect(text).toMatch(/^# Title\n<!-- options:start -->\n#### `listeners\.<name>`\n/)
    expect(text).toContain('| `idleTimeout` | duration | `1h` |')
    expect(text).toMatch(/<!-- options:end -->\nbetween\n<!-- metrics:start -->\n\| Metric \|/)
    expect(text).toContain('| `portolan_requests_total` | counter | `listener`, `operation`, `outcome` |')
    expect(text).not.toContain('STALE')
    expect(docs('--check', path)).toEqual({ status: 0, stderr: '' })
  })

  it('need their markers', () => {
    expect(docs(write('# Title\n'))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('<!-- options:start -->'),
    })
  })
})
