/**
 * A run as one SVG: a panel per closed-loop row, in each the processor time per request and the throughput of every
 * peer as bars. Plain shapes with a style sheet inside, readable on light and dark pages without any script.
 */

import { formatMetric, type Metric } from './metrics.ts'
import type { Report } from './report.ts'
import type { Peer, Row } from './suite.ts'

const BAR = 16
const GAP = 6
const NAME_WIDTH = 150
const BAR_WIDTH = 230
const VALUE_WIDTH = 80
const COLUMN = BAR_WIDTH + VALUE_WIDTH
const WIDTH = NAME_WIDTH + 2 * COLUMN + 40
const PANEL_HEAD = 40

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 17px; font-weight: 600 }
  .row { font-weight: 600 }
  .small { font-size: 11px; fill: #57606a }
  .other { fill: #afb8c1 }
  .portolan { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .other { fill: #57606a }
    .portolan { fill: #4493f8 }
  }`

const COLUMNS: readonly { metric: Metric; title: string }[] = [
  { metric: 'cpuUs', title: 'CPU of the proxy, us per request (less is better)' },
  { metric: 'rps', title: 'requests per second (more is better)' },
]

/** The chart; undefined when no closed-loop row was measured. */
export function renderChart(report: Report): string | undefined {
  const rows = report.rows.filter(row => row.kind === 'load')
  if (rows.length === 0) return undefined
  const panels: string[] = []
  let top = 66
  for (const row of rows) {
    const peers = peersIn(row, report)
    panels.push(...panel(row, top, peers, report))
    top += PANEL_HEAD + peers.length * (BAR + GAP) + 16
  }
  const height = top + 10
  const { date, machine } = report.facts
  const subtitle = `${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, ${machine.kernel}; medians of ${report.facts.repetitions}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escapeXml(report.facts.title)} benchmark</title>`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="16" y="30">${escapeXml(report.facts.title)} benchmark</text>`,
    `<text class="small" x="16" y="50">${escapeXml(subtitle)}</text>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}

/** Those that the row was measured on. */
function peersIn({ name: row }: Row, { peers, results }: Report): Peer[] {
  return peers.filter(({ name }) => results.measurements.some(entry => entry.row === row && entry.peer === name))
}

function panel(row: Row, top: number, peers: readonly Peer[], { results }: Report): string[] {
  const shapes = [`<text class="row" x="16" y="${top + 14}">${escapeXml(row.title)}</text>`]
  for (const [i, { name }] of peers.entries()) {
    const y = top + PANEL_HEAD + i * (BAR + GAP)
    shapes.push(`<text x="${NAME_WIDTH + 8}" y="${y + 13}" text-anchor="end">${escapeXml(name)}</text>`)
  }
  for (const [column, { metric, title }] of COLUMNS.entries()) {
    const x = NAME_WIDTH + 16 + column * COLUMN
    shapes.push(`<text class="small" x="${x}" y="${top + 32}">${escapeXml(title)}</text>`)
    const values = peers.map(peer => results.median(row.name, peer.name, metric))
    const most = Math.max(...values.map(value => value ?? 0))
    for (const [i, value] of values.entries()) {
      if (value === undefined) continue
      const y = top + PANEL_HEAD + i * (BAR + GAP)
      const width = Math.max(1, (value / most) * BAR_WIDTH).toFixed(1)
      const kind = peers[i]?.name.startsWith('portolan') ? 'portolan' : 'other'
      shapes.push(`<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`)
      const label = formatMetric(metric, value)
      shapes.push(`<text x="${(x + Number(width) + 6).toFixed(1)}" y="${y + 13}">${label}</text>`)
    }
  }
  return shapes
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
