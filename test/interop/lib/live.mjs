// Runs a test file of ours before a server that only the interop machines have; the file learns of it by its environment.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from './processes.mjs'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

/** Returns the cases that failed. */
export async function runLive({ title, file, env, print }) {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-live-'))
  try {
    const outputFile = join(dir, 'report.json')
    const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs')
    const args = [vitest, 'run', '--reporter=json', `--outputFile=${outputFile}`, file]
    const all = { ...process.env, ...env }
    const { output } = await runProgram(process.execPath, args, { cwd: projectRoot, env: all, timeoutMs: 300_000 })
    if (!existsSync(outputFile)) throw new Error(`vitest has not finished: ${output.slice(-2_000)}`)
    const { testResults, numPassedTests } = JSON.parse(readFileSync(outputFile, 'utf8'))
    print(`${title}: ${numPassedTests} cases pass`)
    const failed = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(each => each.status === 'failed'),
    )
    for (const { fullName, failureMessages } of failed)
      print(`  LOST: ${fullName}: ${failureMessages[0].slice(0, 600)}`)
    if (failed.length === 0 && numPassedTests === 0)
      throw new Error(`no case was run: ${testResults[0]?.message || output.slice(-2_000)}`)
    return failed
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
