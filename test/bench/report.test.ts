import { describe, expect, test } from 'vitest'
import { renderChart } from '../../bench/lib/chart.ts'
import { formatBound, formatVerdict, judge } from '../../bench/lib/goals.ts'
import { type Report, renderJson, renderMarkdown, table } from '../../bench/lib/report.ts'
import { Results } from '../../bench/lib/results.ts'
import { rotate } from '../../bench/lib/run-suite.ts'
import type { Goal, Suite } from '../../bench/lib/suite.ts'
import { mysqlSuite } from '../../bench/suites/mysql.ts'
import { redisSuite } from '../../bench/suites/redis.ts'

const suite: Suite = redisSuite({
  root: '/nowhere',
  quick: true,
  backend: '',
  variants: [{ name: 'bare', path: '/bare' }],
})

const suites = [suite, mysqlSuite({ root: '/nowhere', quick: true, backend: '', variants: [] })]

/** Two repetitions in which the machine became half as fast. */
function measured(): Results {
  const results = new Results()
  const add = (repetition: number, peer: string, cpuUs: number | undefined, rps: number) =>
    results.add({ repetition, row: 'get-c50-p1', peer, sample: cpuUs === undefined ? { rps } : { cpuUs, rps } })
  add(0, 'direct', undefined, 150_000)
  add(0, 'twemproxy', 8, 80_000)
  add(0, 'portolan', 7.2, 90_000)
  add(1, 'portolan', 14.4, 45_000)
  add(1, 'twemproxy', 16, 40_000)
  add(1, 'direct', undefined, 75_000)
  return results
}

function report(results: Results): Report {
  return {
    facts: {
      suite: 'redis',
      title: 'Redis <&> "friends"',
      date: '2026-01-02T03:04:05.000Z',
      machine: { cpu: 'Some CPU', cores: 2, memoryGb: 24, kernel: 'Linux 6' },
      versions: { redis: '7.0.15' },
      repetitions: 2,
      measureMs: 2500,
      pinned: true,
      quick: false,
    },
    suite,
    peers: suite.peers,
    rows: suite.rows,
    results,
    verdicts: judge(suite.goals, results),
  }
}

describe('Results', () => {
  const results = measured()

  test('series stand in the order of repetitions, whatever the order of measuring', () => {
    expect(results.series('get-c50-p1', 'twemproxy', 'cpuUs')).toEqual([8, 16])
  })

  test('ratios are those within the repetitions', () => {
    expect(results.ratio('get-c50-p1', 'portolan', 'twemproxy', 'cpuUs')).toBeCloseTo(0.9)
    expect(results.ratio('get-c50-p1', 'portolan', 'direct', 'cpuUs')).toBeUndefined()
  })

  test('the slowest peer of a repetition', () => {
    expect(results.lowest(1, 'get-c50-p1', 'rps')).toBe(40_000)
    expect(results.lowest(2, 'get-c50-p1', 'rps')).toBeUndefined()
  })
})

describe('goals', () => {
  const goal: Goal = {
    title: 't',
    row: 'get-c50-p1',
    metric: 'cpuUs',
    of: 'portolan',
    against: 'twemproxy',
    atMost: 0.91,
  }
  const state = (change: Partial<Goal>) => judge([{ ...goal, ...change }], measured())[0]?.state

  test('a ratio within, beyond and without its numbers', () => {
    expect(state({})).toBe('pass')
    expect(state({ atMost: 0.89 })).toBe('fail')
    expect(state({ row: 'start' })).toBe('not measured')
  })

  test('at least, and without another peer', () => {
    const { against: _, atMost: __, ...absolute } = goal
    const judged = (change: Partial<Goal>) => judge([{ ...absolute, metric: 'rps', ...change }], measured())[0]
    expect(judged({ atLeast: 67_500 })?.state).toBe('pass')
    expect(judged({ atLeast: 67_501 })?.state).toBe('fail')
  })

  test.each(suites)('every goal of the $title suite names a row, a peer and one bound', ({ rows: all, ...suite }) => {
    const rows = new Set(all.map(row => row.name))
    const peers = new Set([...suite.peers, ...(suite.absent ?? [])].map(peer => peer.name))
    for (const { row, of, against, atMost, atLeast } of suite.goals) {
      expect(rows).toContain(row)
      expect(peers).toContain(of)
      if (against !== undefined) expect(peers).toContain(against)
      expect([atMost, atLeast].filter(bound => bound !== undefined)).toHaveLength(1)
    }
  })

  test('are shown with their bound', () => {
    expect(formatBound(goal)).toBe('<= 0.91')
    expect(judge([goal], measured()).map(formatVerdict)).toEqual(['0.90'])
    expect(formatBound({ title: 't', row: 'idle-10000', metric: 'bytesPerClient', of: 'portolan', atMost: 6500 })).toBe(
      '<= 6,500',
    )
  })
})

test.each(suites)('names of rows and peers of the $title suite are unique', suite => {
  for (const names of [suite.rows.map(row => row.name), suite.peers.map(peer => peer.name)]) {
    expect(new Set(names).size).toBe(names.length)
  }
})

test('a table lines up and aligns numbers to the right', () => {
  expect(
    table(
      ['name', 'n'],
      [
        ['a', '1'],
        ['long name', '1,000'],
      ],
      1,
    ).split('\n'),
  ).toEqual(['| name      |     n |', '|-----------|------:|', '| a         |     1 |', '| long name | 1,000 |'])
})

describe('reports', () => {
  test('Markdown has medians, ratios and the state of each goal', () => {
    const text = renderMarkdown(report(measured()))
    expect(text).toContain('redis: 7.0.15')
    expect(text).toMatch(/\| get-c50-p1 \| twemproxy +\| +60,000 \| +12\.00 \|/)
    expect(text).toMatch(/\| get-c50-p1 \| twemproxy +\| +1\.13 \| +0\.90 \|/)
    expect(text).toMatch(
      /\| CPU per request, get-c50-p1 +\| get-c50-p1 +\| twemproxy +\| +<= 1\.00 \| +0\.90 \| +pass \|/,
    )
    expect(text).not.toContain('NaN')
    expect(text).not.toContain('undefined')
  })

  test('a proxy that had to wait for its own core is a warning; without pinning it is nothing', () => {
    const results = new Results()
    for (const [row, waited] of [
      ['get-c50-p1', 0.2],
      ['set-c50-p1', 0.01],
      ['get-c50-p1-unpinned', 0.4],
    ] as const) {
      results.add({ repetition: 0, row, peer: 'haproxy', sample: { waited } })
    }
    expect(renderMarkdown(report(results))).toContain('not quiet in 1 of 2 pinned')
    const unpinned = report(results)
    expect(renderMarkdown({ ...unpinned, facts: { ...unpinned.facts, pinned: false } })).not.toContain('not quiet')
  })

  test('a failure is shown where its numbers would stand', () => {
    const results = measured()
    results.add({ repetition: 0, row: 'set-c50-p1', peer: 'haproxy', sample: {}, error: 'exit 1\nmore' })
    expect(renderMarkdown(report(results))).toMatch(/\| set-c50-p1 \| haproxy +\| failed: exit 1 \|/)
  })

  test('JSON holds every measurement and the machine', () => {
    const document = JSON.parse(renderJson(report(measured())))
    expect(document.measurements).toHaveLength(6)
    expect(document).toMatchObject({ format: 1, suite: 'redis', machine: { cores: 2 }, repetitions: 2 })
  })

  test('the chart is well-formed, escaped, and has one bar per measured value', () => {
    const chart = renderChart(report(measured())) ?? ''
    expect(chart).toContain('Redis &lt;&amp;&gt; &quot;friends&quot; benchmark')
    expect(chart.match(/<rect /g)).toHaveLength(5)
    expect(chart.match(/<rect class="portolan"/g)).toHaveLength(2)
    expect(chart).not.toContain('NaN')
    for (const name of ['svg', 'style', 'title', 'text']) {
      expect(chart.match(new RegExp(`<${name}[ >]`, 'g'))?.length).toBe(
        chart.match(new RegExp(`</${name}>`, 'g'))?.length,
      )
    }
  })

  test('no chart without a closed-loop row', () => {
    expect(
      renderChart({ ...report(new Results()), rows: suite.rows.filter(row => row.kind === 'start') }),
    ).toBeUndefined()
  })
})

test('each repetition begins with another peer', () => {
  expect(rotate(['a', 'b', 'c'], 0)).toEqual(['a', 'b', 'c'])
  expect(rotate(['a', 'b', 'c'], 4)).toEqual(['b', 'c', 'a'])
  expect(rotate([], 2)).toEqual([])
})
