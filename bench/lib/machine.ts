/** What the numbers were measured on. */

import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem, type } from 'node:os'
import type { Peer } from './suite.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
}

export function describeMachine(): Machine {
  const [first] = cpus()
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
  }
}

/** The first line of what each version command prints, by name. */
export function readVersions(programs: readonly Pick<Peer, 'name' | 'version'>[]): Record<string, string> {
  const versions: Record<string, string> = {}
  for (const { name, version } of programs) {
    if (version !== undefined) versions[name] = firstLine(version)
  }
  return versions
}

/** Short hash of the checkout at this path, with "+changes" when it differs from it; "unknown" outside of git. */
export function readCommit(path: string): string {
  const git = (...args: string[]) => firstLine(['git', '-C', path, ...args])
  const hash = git('rev-parse', '--short', 'HEAD')
  return hash !== 'unknown' && git('status', '--porcelain') !== '' ? `${hash}+changes` : hash
}

function firstLine([file, ...args]: readonly string[]): string {
  try {
    // nutcracker writes its version to the error output, which is why both are read
    const text = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', file as string, ...args], { encoding: 'utf8' })
    return text.trim().split('\n', 1)[0] ?? ''
  } catch {
    return 'unknown'
  }
}
