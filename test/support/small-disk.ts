/** A file system of a few MiB, to be filled: only root may have one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** Its path until the tests of the file are over; undefined where it cannot be had. */
export function smallDisk(mebibytes: number): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'portolan-small-disk-'))
  const remove = () => rmSync(path, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    remove()
    return undefined
  }
  afterAll(() => {
    execFileSync('umount', ['-l', path])
    remove()
  })
  return path
}
