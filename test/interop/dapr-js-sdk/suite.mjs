// The end-to-end tests of Dapr's client for Node.js: one commit of the repository, run before Portolan in the place of daprd.
// There is no daprd to compare it with: every case has to pass that README.md does not except.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once, sh, Unavailable } from '../lib/cache.mjs'
import { readExceptions } from '../lib/exceptions.mjs'
import { runProgram } from '../lib/processes.mjs'

const COMMIT = 'dcc90636ffd40081ef8b960145f8d9c136c99cb4'
const REPOSITORY = 'https://github.com/dapr/js-sdk'
/** Actors, workflows and the build are nothing that Portolan has a part in. */
const FILES = [
  'grpc/client',
  'grpc/clientWithApiToken',
  'grpc/server',
  'http/client',
  'http/server',
  'common/client',
  'common/server',
]
const SUITE = 'dapr-js-sdk'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))
const configuration = fileURLToPath(new URL('vitest.config.ts', import.meta.url))

/** Runs the files (all without `files`, such as `grpc/client`) and returns the cases that fail and are not excepted. */
export async function runDaprJsSdk({ files = FILES, print }) {
  const dir = prepare()
  const started = Date.now()
  const exceptionOf = readExceptions()
  const lost = []
  let passed = 0
  let excepted = 0
  for (const file of files) {
    for (const { fullName: name, status, failureMessages } of await runFile(dir, file)) {
      if (status === 'passed') passed++
      else if (exceptionOf(SUITE, name)) excepted++
      else lost.push({ name, why: failureMessages?.[0]?.split('\n')[0] ?? status })
    }
  }
  const seconds = Math.round((Date.now() - started) / 1000)
  print(`${SUITE} ${COMMIT.slice(0, 7)}: ${passed} pass, ${excepted} excepted, ${lost.length} lost (${seconds} s)`)
  for (const { name, why } of lost) print(`  LOST: ${name}: ${why}`)
  return lost
}

function prepare() {
  const source = process.env['PORTOLAN_DAPR_JS_SDK'] ?? REPOSITORY
  if (existsSync(join(source, 'test', 'e2e'))) return source
  return once(SUITE, [COMMIT], work => {
    sh('git', ['clone', '--quiet', '--no-checkout', source, '.'], { cwd: work })
    sh('git', ['-c', 'advice.detachedHead=false', 'checkout', '--quiet', COMMIT], { cwd: work })
  })
}

/** The cases of a file, as vitest reports them. */
async function runFile(dir, file) {
  const work = mkdtempSync(join(tmpdir(), 'portolan-interop-dapr-js-sdk-'))
  try {
    const report = join(work, 'report.json')
    const args = ['run', '--config', configuration, '--reporter=json', `--outputFile=${report}`, `e2e/${file}.test.ts`]
    const { output } = await runProgram(
      process.execPath,
      [join(projectRoot, 'node_modules/vitest/vitest.mjs'), ...args],
      {
        cwd: projectRoot,
        env: { ...process.env, INTEROP_DAPR_JS_SDK: dir },
        timeoutMs: 300_000,
      },
    )
    const cases = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults[0]?.assertionResults : []
    if (!cases?.length) throw new Unavailable(`${file}: ${output.trim().slice(-500)}`)
    return cases
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
