// Runs one test of the suite by mysqltest, as mysql-test-run.pl does.
import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runProgram } from '../lib/processes.mjs'
import { environment, MODES, SUITE_DIR } from './suite.mjs'

const SKIPPED = 62

/** `{ verdict, why, seconds }`: passed, failed, skipped (the test said so itself) or late. */
export async function runTest(servers, facts, { mode, timeoutMs }) {
  const { vardir } = servers
  const args = [`--defaults-file=${vardir}/my.cnf`, '--silent', `--tmpdir=${vardir}/tmp`, `--logdir=${vardir}/log`]
  args.push(`--timer-file=${vardir}/log/timer`, '--character-sets-dir=/usr/share/mysql/charsets', '--database=test')
  args.push(`--suite-dir=${SUITE_DIR}/main/`, `--test-file=${facts.file}`, '--tail-lines=20', ...MODES[mode])
  // mysqltest writes what came out instead beside the expected result.
  const result = join(vardir, 'log', basename(facts.result))
  if (!existsSync(result)) symlinkSync(facts.result, result)
  if (existsSync(result)) args.push(`--result-file=${result}`)
  const started = Date.now()
  const { code, output, timedOut } = await runProgram('mariadb-test', args, {
    cwd: SUITE_DIR,
    env: environment({ ...servers, timezone: facts.timezone }),
    timeoutMs,
  })
  const seconds = Math.round((Date.now() - started) / 100) / 10
  if (timedOut) return { verdict: 'late', why: `no end after ${timeoutMs / 1000} s`, seconds }
  if (code === 0) return { verdict: 'passed', seconds }
  if (code === SKIPPED) return { verdict: 'skipped', why: skipReason(vardir) ?? output.slice(-300), seconds }
  return { verdict: 'failed', why: output.slice(0, 3_000), seconds }
}

function skipReason(vardir) {
  const file = join(vardir, 'log', 'skip')
  if (!existsSync(file)) return undefined
  const reason = readFileSync(file, 'utf8')
  rmSync(file)
  return reason.trim()
}
