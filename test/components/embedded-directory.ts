/** A temporary data directory for the tests of a file; removed after them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
