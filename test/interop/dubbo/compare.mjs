// The conformance suite of invoke before Apache Dubbo itself: its jars from Maven, a provider of ours compiled against them.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once, sh } from '../lib/cache.mjs'
import { runProgram } from '../lib/processes.mjs'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
const SOURCES = readdirSync(join(here, 'demo')).map(name => join('demo', name))

/** Throws Unavailable where Java, Maven or the jars cannot be had. */
function provider() {
  const recipe = ['pom.xml', ...SOURCES].map(name => readFileSync(join(here, name), 'utf8'))
  return once('dubbo-provider', recipe, work => {
    for (const name of ['pom.xml', 'demo']) cpSync(join(here, name), join(work, name), { recursive: true })
    sh('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: work })
    sh('javac', ['-nowarn', '-cp', 'lib/*', '-d', 'classes', ...SOURCES], { cwd: work })
  })
}

/** Runs it and returns the cases that failed. */
export async function compareDubbo({ print }) {
  const folder = provider()
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-dubbo-'))
  try {
    const outputFile = join(dir, 'report.json')
    const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs')
    const file = 'test/components/invoke/dubbo-live.test.ts'
    const args = [vitest, 'run', '--reporter=json', `--outputFile=${outputFile}`, file]
    const env = { ...process.env, PORTOLAN_TEST_DUBBO: folder }
    const { output } = await runProgram(process.execPath, args, { cwd: projectRoot, env, timeoutMs: 300_000 })
    if (!existsSync(outputFile)) throw new Error(`vitest has not finished: ${output.slice(-2_000)}`)
    const { testResults, numPassedTests } = JSON.parse(readFileSync(outputFile, 'utf8'))
    print(`invoke before Apache Dubbo: ${numPassedTests} cases pass`)
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
