/** A run as a JSON document and as Markdown. */

import { formatBound, formatVerdict, type Verdict } from './goals.ts'
import type { Machine } from './machine.ts'
import { formatMetric, METRICS, type Metric } from './metrics.ts'
import type { Measurement, Results } from './results.ts'
import type { Peer, Row, Suite } from './suite.ts'

export interface RunFacts {
  readonly suite: string
  readonly title: string
  /** ISO 8601, UTC. */
  readonly date: string
  readonly machine: Machine
  readonly versions: Readonly<Record<string, string>>
  readonly repetitions: number
  readonly measureMs: number
  readonly pinned: boolean
  readonly quick: boolean
}

export interface Report {
  readonly facts: RunFacts
  readonly suite: Suite
  readonly peers: readonly Peer[]
  readonly rows: readonly Row[]
  readonly results: Results
  readonly verdicts: readonly Verdict[]
}

const TABLES: readonly { title: string; kinds: readonly Row['kind'][]; metrics: readonly Metric[] }[] = [
  {
    title: 'Closed loop: as many requests as go',
    kinds: ['load'],
    metrics: ['rps', 'cpuUs', 'gibPerCore', 'p50Ms', 'p99Ms', 'cores', 'waited', 'backendUs'],
  },
  {
    title: 'Latency',
    kinds: ['latency'],
    metrics: ['rps', 'p50Ms', 'p99Ms', 'p999Ms', 'cpuUs', 'waited', 'lateP99Ms'],
  },
  { title: 'Memory of idle clients', kinds: ['idle'], metrics: ['clients', 'bytesPerClient', 'rssMb', 'pssMb'] },
  { title: 'One large response', kinds: ['transfer'], metrics: ['growthMb', 'cpuMs', 'mbPerSecond', 'rssMb'] },
  { title: 'Start', kinds: ['start'], metrics: ['startMs', 'startRatio', 'rssMb', 'pssMb'] },
]

const RATIO_METRICS: readonly Metric[] = [
  ...(['rps', 'cpuUs', 'p50Ms', 'p99Ms', 'bytesPerClient', 'growthMb', 'cpuMs', 'startMs', 'rssMb'] as const),
]

/** Everything that was measured, for machines; stable across versions of this file by its `format`. */
export function renderJson({ facts, results, verdicts }: Report): string {
  const measurements: readonly Measurement[] = results.measurements
  return `${JSON.stringify({ format: 1, ...facts, measurements, goals: verdicts }, undefined, 2)}\n`
}

/** Medians per row and peer, the ratios of Portolan to every other peer, and the goals. */
export function renderMarkdown(report: Report): string {
  const { facts } = report
  const { cpu, cores, memoryGb, kernel } = facts.machine
  const versions = Object.entries(facts.versions).map(([name, version]) => `${name}: ${version}`)
  const sections = [
    `# ${facts.title} benchmark, ${facts.date.slice(0, 10)}`,
    [
      `${cpu}, ${cores} cores, ${memoryGb} GB, ${kernel}. ${versions.join('; ')}.`,
      `${facts.repetitions} alternating repetitions of ${facts.measureMs / 1000} s, medians;`,
      facts.pinned ? 'load and backend on core 0, proxy on core 1 unless a row says unpinned.' : 'nothing pinned.',
      ...disturbances(report),
      ...(report.suite.absent ?? []).map(({ name, reason }) => `Not measured: ${name}, ${reason}.`),
      ...(facts.quick ? ['**A quick run: the numbers mean little.**'] : []),
    ].join('\n'),
    ...TABLES.map(({ title, kinds, metrics }) =>
      medianTable(
        title,
        report.rows.filter(row => kinds.includes(row.kind)),
        metrics,
        report,
      ),
    ),
    ...report.peers.filter(isPortolan).map(peer => ratioTable(peer, report)),
    goalTable(report.verdicts),
  ]
  return `${sections.filter(section => section !== '').join('\n\n')}\n`
}

/** Pinned and on a quiet machine a proxy waits less than this share of the time for its core. */
const QUIET = 0.05

function disturbances({ facts, rows, results }: Report): string[] {
  const pinned = new Set(rows.filter(row => facts.pinned && 'pinned' in row && row.pinned).map(row => row.name))
  const all = results.measurements.filter(({ row, sample }) => pinned.has(row) && sample.waited !== undefined)
  const disturbed = all.filter(({ sample }) => (sample.waited ?? 0) > QUIET).length
  return disturbed === 0 ? [] : [`**The machine was not quiet in ${disturbed} of ${all.length} pinned measurements.**`]
}

function isPortolan(peer: Peer): boolean {
  return peer.name.startsWith('portolan')
}

function medianTable(title: string, rows: readonly Row[], metrics: readonly Metric[], report: Report): string {
  const { peers, results } = report
  const lines: string[][] = []
  for (const row of rows) {
    for (const peer of peers) {
      const error = results.error(row.name, peer.name)
      const values = metrics.map(metric => results.median(row.name, peer.name, metric))
      if (error === undefined && values.every(value => value === undefined)) continue
      const cells = values.map((value, i) => (value === undefined ? '' : formatMetric(metrics[i] as Metric, value)))
      if (error !== undefined) cells[0] = `failed: ${error.split('\n', 1)[0]?.slice(0, 60)}`
      const spread = results.spread(row.name, peer.name, metrics[1] as Metric)
      lines.push([row.name, peer.name, ...cells, spread === undefined ? '' : `${(spread * 100).toFixed(0)} %`])
    }
  }
  if (lines.length === 0) return ''
  const spreadOf = `spread of ${METRICS[metrics[1] as Metric].title}`
  const legend = rows.map(row => `\`${row.name}\` ${row.title}`).join('; ')
  const header = ['row', 'peer', ...metrics.map(metric => METRICS[metric].title), spreadOf]
  return `## ${title}\n\n${legend}.\n\n${table(header, lines, 2)}`
}

function ratioTable(peer: Peer, { peers, rows, results }: Report): string {
  const lines: string[][] = []
  for (const row of rows) {
    for (const other of peers) {
      if (other === peer) continue
      const ratios = RATIO_METRICS.map(metric => results.ratio(row.name, peer.name, other.name, metric))
      if (ratios.every(ratio => ratio === undefined)) continue
      lines.push([row.name, other.name, ...ratios.map(ratio => ratio?.toFixed(2) ?? '')])
    }
  }
  if (lines.length === 0) return ''
  const header = ['row', 'against', ...RATIO_METRICS.map(metric => METRICS[metric].title)]
  return `## Ratios of ${peer.name}\n\nMedian of the ratios of each repetition.\n\n${table(header, lines, 2)}`
}

function goalTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return ''
  const lines = verdicts.map(verdict => {
    const { goal, state } = verdict
    return [
      goal.title,
      goal.row,
      goal.against ?? (goal.minus === undefined ? '' : `less ${goal.minus}`),
      formatBound(goal),
      formatVerdict(verdict),
      state,
    ]
  })
  return `## Goals\n\n${table(['goal', 'row', 'against', 'bound', 'measured', ''], lines, 3)}`
}

/** A Markdown table whose columns line up in plain text too; columns from `numbersFrom` on are right-aligned. */
export function table(header: readonly string[], lines: readonly (readonly string[])[], numbersFrom: number): string {
  const widths = header.map((title, i) => Math.max(3, title.length, ...lines.map(line => line[i]?.length ?? 0)))
  const format = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (i < numbersFrom ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i < numbersFrom ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [format(header), rule, ...lines.map(format)].join('\n')
}
