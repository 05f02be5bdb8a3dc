// Portolan's own tests that can do without MariaDB, before MySQL 9: replication and failover, the torture of pooling,
// what components keep, the protocol and the logins.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mysql9Tree, mysql9Version, startMysql9 } from '../lib/mysql9.mjs'
import { runProgram } from '../lib/processes.mjs'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

/** These start their servers themselves; the others are given one. */
const WITH_OWN_SERVERS = [
  ...['replicas', 'promotion', 'torture'].map(name => `test/listeners/mysql/${name}.test.ts`),
  ...['configuration', 'lock', 'sequencer'].map(api => `test/components/${api}/mysql.test.ts`),
  'test/components/clients/mysql.test.ts',
  'test/components/clients/mysql-failover.test.ts',
  'test/backends/mysql/own-lease.test.ts',
]
const FILES = [
  ...WITH_OWN_SERVERS,
  'test/listeners/mysql/switch-product.test.ts',
  'test/codecs/mysql/live.test.ts',
  'test/codecs/mysql/logins.test.ts',
]

/** Runs them and returns those that failed. */
export async function runOwn({ files = FILES, print }) {
  const tree = mysql9Tree()
  const server = await startMysql9()
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-own-'))
  try {
    const outputFile = join(dir, 'report.json')
    const vitest = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs')
    const args = [vitest, 'run', '--no-file-parallelism', '--reporter=json', `--outputFile=${outputFile}`, ...files]
    const env = {
      ...process.env,
      PORTOLAN_TEST_MYSQL9: tree,
      PORTOLAN_TEST_MYSQL: `app:app@127.0.0.1:${server.port}`,
    }
    const { output } = await runProgram(process.execPath, args, { cwd: projectRoot, env, timeoutMs: 900_000 })
    if (!existsSync(outputFile)) throw new Error(`vitest has not finished: ${output.slice(-2_000)}`)
    return report(JSON.parse(readFileSync(outputFile, 'utf8')), print)
  } finally {
    rmSync(dir, { recursive: true, force: true })
    await server.stop()
  }
}

function report({ testResults, numPassedTests, numPendingTests }, print) {
  print(`own tests (MySQL ${mysql9Version()}): ${numPassedTests} pass, ${numPendingTests} concern MariaDB alone`)
  const lost = []
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter(each => each.status === 'failed')
    for (const { fullName, failureMessages } of failed) lost.push({ name: fullName, why: failureMessages[0] })
    if (status === 'failed' && failed.length === 0) lost.push({ name, why: message })
  }
  for (const { name, why } of lost) print(`  LOST: ${name}: ${String(why).slice(0, 600)}`)
  return lost
}
