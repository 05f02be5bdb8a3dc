/** Runs the wanted suites one after the other, shows progress on the error output and the tables on the output. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { renderChart } from './lib/chart.ts'
import { killChildren } from './lib/child.ts'
import { judge, type Verdict } from './lib/goals.ts'
import { describeMachine, readCommit, readVersions } from './lib/machine.ts'
import { type BenchOptions, HELP, isWanted, parseOptions } from './lib/options.ts'
import { type Report, renderJson, renderMarkdown } from './lib/report.ts'
import { runSuite } from './lib/run-suite.ts'
import type { Goal, Peer, Row, Suite } from './lib/suite.ts'
import type { MainInput } from './main-input.ts'
import { SUITES } from './suites/index.ts'

/** Resolves to the exit code: 0, 1 for a missed goal or a failed measurement, 2 for a wrong command line. */
export async function main({ args, root, folder }: MainInput): Promise<number> {
  process.on('exit', killChildren)
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
  try {
    const options = parseOptions(args, process.execPath)
    if (options.help) {
      process.stdout.write(HELP)
      return 0
    }
    let ok = true
    for (const name of options.suites.length === 0 ? Object.keys(SUITES) : options.suites) {
      const build = SUITES[name]
      if (build === undefined) throw new Error(`no suite "${name}"; there are: ${Object.keys(SUITES).join(', ')}`)
      ok = (await bench(build({ ...options, root }), options, root, folder)) && ok
    }
    return ok ? 0 : 1
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 2
  }
}

async function bench(suite: Suite, options: BenchOptions, root: string, folder: string): Promise<boolean> {
  const peers = suite.peers.filter(peer => isWanted(options.peers, peer.name))
  const rows = suite.rows.filter(row => isWanted(options.rows, row.name))
  if (peers.length === 0 || rows.length === 0) throw new Error('no peer or no row has such a name')
  for (const { name, reason } of suite.absent ?? []) process.stderr.write(`${name} is not measured: ${reason}\n`)
  const pin = options.pin && availableParallelism() > 1
  const results = await runSuite({
    ...{ suite, peers, rows, repetitions: options.repetitions },
    timing: { warmMs: options.warmMs, measureMs: options.measureMs },
    workshop: { folder, node: options.node, pin },
    progress: line => process.stderr.write(`${line}\n`),
  })
  const programs = [{ name: 'node', version: [options.node, '--version'] }, suite.backend, ...peers]
  const commits = peers.some(peer => peer.name === 'portolan') ? { portolan: readCommit(root) } : {}
  const report: Report = {
    facts: {
      suite: suite.name,
      title: suite.title,
      date: new Date().toISOString(),
      machine: describeMachine(),
      versions: { ...readVersions(programs), ...commits },
      repetitions: options.repetitions,
      measureMs: options.measureMs,
      pinned: pin,
      quick: options.quick,
    },
    ...{ suite, peers, rows, results },
    verdicts: judge(
      suite.goals.filter(goal => isMeasured(goal, rows, peers)),
      results,
    ),
  }
  process.stdout.write(renderMarkdown(report))
  if (options.save) save(report, join(root, 'bench/results'))
  const complete = results.measurements.every(measurement => measurement.error === undefined)
  return complete && (!options.check || reached(report.verdicts))
}

/** Goals on rows and peers that were left out say nothing about this run. */
function isMeasured({ row, of, against }: Goal, rows: readonly Row[], peers: readonly Peer[]): boolean {
  const has = (name: string) => peers.some(peer => peer.name === name)
  return rows.some(({ name }) => name === row) && has(of) && (against === undefined || has(against))
}

function reached(verdicts: readonly Verdict[]): boolean {
  const passed = verdicts.filter(verdict => verdict.state === 'pass').length
  process.stderr.write(`goals: ${passed} of ${verdicts.length} reached\n`)
  return verdicts.length > 0 && passed === verdicts.length
}

function save(report: Report, folder: string): void {
  mkdirSync(folder, { recursive: true })
  const base = join(folder, `${report.facts.suite}-${report.facts.date.slice(0, 10)}`)
  const chart = renderChart(report)
  const texts = { json: renderJson(report), md: renderMarkdown(report), ...(chart === undefined ? {} : { svg: chart }) }
  for (const [ending, text] of Object.entries(texts)) {
    writeFileSync(`${base}.${ending}`, text)
    process.stderr.write(`wrote ${base}.${ending}\n`)
  }
}
