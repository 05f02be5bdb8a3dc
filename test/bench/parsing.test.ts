import { describe, expect, test } from 'vitest'
import { affordableClients } from '../../bench/lib/measure-idle.ts'
import { isWanted, parseOptions } from '../../bench/lib/options.ts'
import { parseMemory, parseParent, parsePeak, parseSchedule, parseTicksUs } from '../../bench/lib/proc.ts'
import { parseSysbench } from '../../bench/suites/mysql-client.ts'
import { unpackedRoot } from '../../bench/suites/mysql-servers.ts'
import { parseRedisBenchmark } from '../../bench/suites/redis.ts'

describe('/proc', () => {
  const stat =
    '4242 (a b) c) S 17 4242 4242 0 -1 4194560 900 0 0 0 150 25 0 0 20 0 11 0 12345 1000000 2000 18446744073709551615'

  test('stat is read behind a name that holds blanks and parentheses', () => {
    expect(parseParent(stat)).toBe(17)
    expect(parseTicksUs(stat)).toBe(1_750_000)
  })

  test('schedstat is run and waiting time in nanoseconds', () => {
    expect(parseSchedule('108290000 192191 2\n')).toEqual({ runUs: 108_290, waitUs: 192.191 })
  })

  test('smaps_rollup: Pss is not taken for Pss_Dirty, kB are 1024 bytes', () => {
    const rollup =
      '5624fe8ca000-7ffd72545000 ---p 0 00:00 0 [rollup]\nRss:    1664 kB\nPss_Dirty:   112 kB\nPss:   334 kB\n'
    expect(parseMemory(rollup)).toEqual({ rssBytes: 1664 * 1024, pssBytes: 334 * 1024 })
  })
})

test('the peak of memory is read in kB of 1024 bytes', () => {
  expect(parsePeak('VmPeak:\t  900 kB\nVmHWM:\t   1664 kB\nVmRSS:\t 12 kB\n')).toBe(1664 * 1024)
})

describe('sysbench --histogram', () => {
  const output = (queries: string, histogram: string) => `Threads started!

Latency histogram (values are in milliseconds)
       value  ------------- distribution ------------- count
${histogram}
SQL statistics:
    queries performed:
        total:                           62805
    transactions:                        3140   (1570.00 per sec.)
    queries:                             ${queries}
`
  const histogram = `       0.025 |                                         1
       0.030 |******                                   49
       0.120 |****                                     48
      14.207 |                                         2`

  test('queries, not transactions, and percentiles of the buckets', () => {
    const rates = parseSysbench(output('62805  (31327.68 per sec.)', histogram))
    expect(rates).toEqual({ rps: 31327.68, p50Ms: 0.03, p99Ms: 14.207 })
  })

  test.each([
    ['nothing', ''],
    ['no queries', output('0  (0.00 per sec.)', histogram)],
    ['no histogram', output('62805  (31327.68 per sec.)', '')],
    ['an error', 'FATAL: unable to connect to MySQL server\n'],
  ])('%s is refused', (_, text) => {
    expect(() => parseSysbench(text)).toThrow('printed no result')
  })
})

test('MySQL Router is had only where its program is', () => {
  expect(unpackedRoot({})).toBeUndefined()
  expect(unpackedRoot({ MYSQL9_ROOT: '/nowhere' })).toBeUndefined()
})

describe('redis-benchmark --csv', () => {
  const header =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n'

  test('throughput and percentiles', () => {
    const output = `${header}"GET","83333.34","0.300","0.010","0.287","0.400","0.511","1.200"\n`
    expect(parseRedisBenchmark(output)).toEqual({ rps: 83333.34, p50Ms: 0.287, p99Ms: 0.511 })
  })

  test.each([
    ['nothing', ''],
    ['only the header', header],
    ['an error', 'Error from server: ERR no\n'],
  ])('%s is refused', (_, output) => {
    expect(() => parseRedisBenchmark(output)).toThrow('printed no result')
  })
})

describe('command line', () => {
  const parse = (...args: string[]) => parseOptions(args, '/usr/bin/node')

  test('defaults', () => {
    expect(parse()).toMatchObject({ repetitions: 3, measureMs: 2500, warmMs: 2000, pin: true, node: '/usr/bin/node' })
  })

  test('--quick shortens what is not said', () => {
    expect(parse('--quick')).toMatchObject({ repetitions: 1, measureMs: 500 })
    expect(parse('--quick', '--reps', '5')).toMatchObject({ repetitions: 5, measureMs: 500 })
  })

  test('--warm-seconds, --backend', () => {
    expect(parse('mysql', '--warm-seconds', '1', '--backend', 'mysql9')).toMatchObject({
      warmMs: 1000,
      backend: 'mysql9',
    })
  })

  test('lists, variants and negation', () => {
    const options = parse(
      'redis',
      '--no-pin',
      '--rows',
      'a,b',
      '--portolan-variant',
      'old=../old',
      '--portolan-variant=x=y=z',
    )
    expect(options).toMatchObject({ suites: ['redis'], pin: false, rows: ['a', 'b'] })
    expect(options.variants).toEqual([
      { name: 'old', path: '../old' },
      { name: 'x', path: 'y=z' },
    ])
  })

  test.each([
    [['--reps', '0'], '--reps'],
    [['--reps', '1.5'], 'whole number'],
    [['--seconds', 'x'], '--seconds'],
    [['--warm-seconds', '0'], '--warm-seconds'],
    [['--portolan-variant', 'path'], 'NAME=PATH'],
    [['--nonsense'], '--nonsense'],
  ])('%j is refused', (args, message) => {
    expect(() => parse(...args)).toThrow(message)
  })

  test('names are exact, or prefixes that end in a star', () => {
    expect(isWanted([], 'anything')).toBe(true)
    expect(isWanted(['get-c50-p1'], 'get-c50-p1')).toBe(true)
    expect(isWanted(['get-c50-p1'], 'get-c50-p16')).toBe(false)
    expect(isWanted(['x', 'get-*'], 'get-c50-p16')).toBe(true)
  })
})

test('idle clients fit into the limit of open files, two for each', () => {
  expect(affordableClients(10_000, 20_000)).toBe(9500)
  expect(affordableClients(1000, 20_000)).toBe(1000)
})
