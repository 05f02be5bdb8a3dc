import { expect, test } from 'vitest'
import { openExposition } from '../../src/observability/exposition.ts'
import { FAMILIES, LATENCY_BOUNDS_SECONDS } from '../../src/observability/families.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import { registerProcessMetrics } from '../../src/observability/process-metrics.ts'

// prom-client's own metrics belong to the process, so one exposition serves all tests.
const metrics = new Metrics()
registerProcessMetrics(metrics)
const exposition = openExposition(metrics)

async function scrape(): Promise<string[]> {
  return (await exposition.render()).split('\n')
}

test('every family shows its help and type, also without samples', async () => {
  const lines = await scrape()
  for (const [name, { help, type }] of Object.entries(FAMILIES)) {
    expect(lines).toContain(`# HELP ${name} ${help}`)
    expect(lines).toContain(`# TYPE ${name} ${type}`)
  }
  expect(exposition.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
})

test('the process and its event loop are there', async () => {
  const text = (await scrape()).join('\n')
  expect(text).toMatch(/^portolan_build_info\{version="[\d.]+",node="[\d.]+"\} 1$/m)
  expect(text).toMatch(/^portolan_event_loop_active_seconds_total \d/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  expect(text).toMatch(/^process_cpu_seconds_total /m)
  expect(text).toMatch(/^process_resident_memory_bytes \d/m)
})

test('samples with equal labels are added together; label values are escaped', async () => {
  const labels = { listener: 'a"\\', operation: 'GET', outcome: 'ok' }
  const one = metrics.cell('portolan_requests_total', labels)
  metrics.source('portolan_requests_total', () => [{ labels, value: 2 }])
  one.value = 3
  expect(metrics.cell('portolan_requests_total', { ...labels })).toBe(one)
  expect(await scrape()).toContain('portolan_requests_total{listener="a\\"\\\\",operation="GET",outcome="ok"} 5')
  one.value++
  expect(await scrape()).toContain('portolan_requests_total{listener="a\\"\\\\",operation="GET",outcome="ok"} 6')
})

test('histograms are cumulative, sum sources, and end in +Inf', async () => {
  const labels = { listener: 'h', operation: 'GET' }
  const counts = new Float64Array(LATENCY_BOUNDS_SECONDS.length + 1)
  counts[0] = 2
  counts[1] = 3
  counts[LATENCY_BOUNDS_SECONDS.length] = 1
  const read = () => [{ labels, counts, sum: 1.5 }]
  metrics.source('portolan_request_duration_seconds', read)
  metrics.source('portolan_request_duration_seconds', () => read())
  const lines = (await scrape()).filter(line => line.includes('listener="h"'))
  const name = 'portolan_request_duration_seconds'
  const shared = 'listener="h",operation="GET"'
  expect(lines).toHaveLength(LATENCY_BOUNDS_SECONDS.length + 3)
  expect(lines[0]).toBe(`${name}_bucket{${shared},le="0.00005"} 4`)
  expect(lines[1]).toBe(`${name}_bucket{${shared},le="0.0001"} 10`)
  expect(lines.at(-4)).toBe(`${name}_bucket{${shared},le="10"} 10`)
  expect(lines.at(-3)).toBe(`${name}_bucket{${shared},le="+Inf"} 12`)
  expect(lines.at(-2)).toBe(`${name}_sum{${shared}} 3`)
  expect(lines.at(-1)).toBe(`${name}_count{${shared}} 12`)
})

test('a counter or histogram does not fall when its source goes away, a gauge does', async () => {
  const labels = { listener: 'leaving', operation: 'GET', outcome: 'ok' }
  const away = [
    metrics.source('portolan_requests_total', () => [{ labels, value: 7 }]),
    metrics.source('portolan_requests_total', () => [{ labels, value: 2 }]),
    metrics.source('portolan_downstream_connections', () => [{ labels: { listener: 'leaving' }, value: 1 }]),
    metrics.source('portolan_request_duration_seconds', () => [
      { labels: { listener: 'leaving', operation: 'GET' }, counts: [1, 2], sum: 3 },
    ]),
  ]
  const before = (await scrape()).filter(line => line.includes('leaving'))
  for (const remove of away) {
    remove()
    remove()
  }
  const after = (await scrape()).filter(line => line.includes('leaving'))
  expect(before).toContain('portolan_requests_total{listener="leaving",operation="GET",outcome="ok"} 9')
  expect(before).toContain('portolan_downstream_connections{listener="leaving"} 1')
  expect(after).toEqual(before.filter(line => !line.startsWith('portolan_downstream_connections')))
})
