// Runs one file of the suite against a host and port, and reads what became of each case.
import { freePort } from '../../../scripts/ports.mjs'
import { runProgram } from '../lib/processes.mjs'

const STALL_SECONDS = 60

/**
 * Returns `{ passed, failed, trouble, stuck, seconds }`: counts by name of case (names repeat within a file), why others
 * failed, why the file did not end well, and the case that was in progress when nothing went on any more.
 */
export async function runSuiteFile(suite, file, { host, port, tags, timeoutMs = 300_000, only = [], skip = [] }) {
  const args = ['--host', host, '--port', port, '--clients', 1, '--verbose', '--ignore-digest', '--durable']
  args.push('--timeout', STALL_SECONDS, '--baseport', 20_000 + ((await freePort()) % 20_000), '--tags', tags)
  args.push('--single', file, ...suite.args)
  args.push(...only.flatMap(name => ['--only', name]), ...skip.flatMap(name => ['--skiptest', name]))
  const started = Date.now()
  const { code, output, timedOut } = await runProgram('./runtest', args.map(String), { cwd: suite.dir, timeoutMs })
  const lines = output.replace(/\x1b\[[0-9;]*m/g, '').split('\n')
  const result = { passed: {}, failed: {}, trouble: [], seconds: Math.round((Date.now() - started) / 1000) }
  for (const [index, line] of lines.entries()) {
    const [, verdict, name] = /^(?!\*\*\*).*?\[(ok|err)\]: (.*?)( \(\d+ ms\)| in tests\/\S+\.tcl)?$/.exec(line) ?? []
    if (verdict === 'ok') result.passed[name] = (result.passed[name] ?? 0) + 1
    else if (verdict === 'err') result.failed[name] = [...(result.failed[name] ?? []), detail(lines, index + 1)]
    else if (/^\[exception\]/.test(line)) result.trouble.push(`${line}\n${detail(lines, index + 1)}`)
    else if (/^\[TIMEOUT\]/.test(line)) {
      result.stuck = /\(IN PROGRESS\) (.*)/.exec(lines[index + 1])?.[1]
      result.trouble.push(`nothing went on for ${STALL_SECONDS} s in: ${result.stuck ?? lines[index + 1]}`)
    }
  }
  if (timedOut) result.trouble.push(`no end after ${timeoutMs / 1000} s`)
  else if (code !== 0 && result.trouble.length === 0 && Object.keys(result.failed).length === 0) {
    result.trouble.push(`exit ${code}: ${lines.slice(-12).join('\n')}`)
  }
  return result
}

/** What the suite says below a verdict, as far as it belongs to it. */
function detail(lines, from) {
  const end = lines.findIndex((line, index) => index >= from && /^(\[|\*\*\* \[|=====|Cleanup)/.test(line))
  return lines.slice(from, Math.min(end < 0 ? lines.length : end, from + 15)).join('\n')
}
