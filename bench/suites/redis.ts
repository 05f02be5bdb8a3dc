/** The Redis suite: redis-benchmark and own clients, direct and through HAProxy, twemproxy and Portolan. */

import { join } from 'node:path'
import type { Goal, IdleRow, LatencyRow, LoadRow, Rate, Row, Suite, SuiteOptions } from '../lib/suite.ts'
import { ask, encodeCommand } from './redis-client.ts'
import { direct, haproxy, portolan, redisServer, twemproxy } from './redis-peers.ts'

/** The key that redis-benchmark uses when it is not told to vary it. */
const KEY = 'key:__rand_int__'

const GET = encodeCommand(['GET', KEY])
const REPLY_BYTES = '$64\r\n'.length + 64 + 2

/** Gives the key a value of this many bytes. */
async function storeValue(backendPort: number, bytes: number): Promise<void> {
  const reply = await ask(backendPort, ['SET', KEY, 'x'.repeat(bytes)])
  if (reply !== '+OK\r\n') throw new Error(`SET was answered with ${JSON.stringify(reply)}`)
}

async function probe(port: number): Promise<void> {
  await storeValue(port, 64)
  const reply = await ask(port, ['GET', KEY])
  if (reply !== `$64\r\n${'x'.repeat(64)}\r\n`) throw new Error(`GET was answered with ${JSON.stringify(reply)}`)
}

/** Reads the line of numbers that redis-benchmark prints with --csv. */
export function parseRedisBenchmark(output: string) {
  const line = output.trim().split('\n').at(-1) ?? ''
  const [rps, , , p50Ms, , p99Ms] = line
    .split(',')
    .slice(1)
    .map(field => Number(field.replaceAll('"', '')))
  if (!(Number(rps) > 0) || p50Ms === undefined || p99Ms === undefined) {
    throw new Error(`redis-benchmark printed no result: ${output.slice(-500)}`)
  }
  return { rps: rps as number, p50Ms, p99Ms }
}

interface Load {
  readonly command: 'get' | 'set'
  readonly bytes: number
  readonly clients: number
  readonly pipeline: number
  readonly unpinned?: boolean
}

function load({ command, bytes, clients, pipeline, unpinned = false }: Load): LoadRow {
  const size = bytes === 64 ? '' : `${bytes / 1024}k`
  return {
    kind: 'load',
    name: `${command}${size}-c${clients}-p${pipeline}${unpinned ? '-unpinned' : ''}`,
    title: `${command.toUpperCase()} ${bytes} B, ${clients} clients, pipeline ${pipeline}${unpinned ? ', unpinned' : ''}`,
    pinned: !unpinned,
    expectedRps: Math.min(60_000 * pipeline, 800_000),
    prepare: port => storeValue(port, bytes),
    command: (port, requests) => [
      ...['redis-benchmark', '-h', '127.0.0.1', '-p', `${port}`, '-t', command, '-d', `${bytes}`],
      ...['-c', `${clients}`, '-P', `${pipeline}`, '-n', `${requests}`, '--csv'],
    ],
    parse: parseRedisBenchmark,
  }
}

function latency(name: string, title: string, connections: number, rate: Rate): LatencyRow {
  const prepare = (port: number) => storeValue(port, 64)
  return {
    kind: 'latency',
    name,
    title,
    pinned: true,
    connections,
    rate,
    request: GET,
    replyBytes: REPLY_BYTES,
    prepare,
  }
}

function idle(clients: number): IdleRow {
  const title = `${clients.toLocaleString('en-US')} idle clients, each after one GET`
  const prepare = (port: number) => storeValue(port, 64)
  return { kind: 'idle', name: `idle-${clients}`, title, clients, request: GET, replyBytes: REPLY_BYTES, prepare }
}

function rows(quick: boolean): Row[] {
  const halfRate = { share: 0.5, ofRow: 'get-c50-p1', otherwise: 30_000 }
  return [
    load({ command: 'get', bytes: 64, clients: 50, pipeline: 1 }),
    load({ command: 'set', bytes: 64, clients: 50, pipeline: 1 }),
    load({ command: 'get', bytes: 64, clients: 50, pipeline: 16 }),
    load({ command: 'set', bytes: 1024, clients: 50, pipeline: 16 }),
    load({ command: 'get', bytes: 64, clients: 50, pipeline: 100 }),
    load({ command: 'get', bytes: 64, clients: 500, pipeline: 1 }),
    load({ command: 'get', bytes: 64, clients: 50, pipeline: 1, unpinned: true }),
    load({ command: 'get', bytes: 64, clients: 50, pipeline: 16, unpinned: true }),
    latency('alone', 'GET 64 B, one client alone', 1, 'alone'),
    latency('rate-5k', 'GET 64 B, 5,000/s on 50 connections', 50, 5000),
    latency('rate-20k', 'GET 64 B, 20,000/s on 50 connections', 50, 20_000),
    latency('rate-half', "GET 64 B, half of the slowest peer's rate, 50 connections", 50, halfRate),
    idle(1000),
    idle(10_000),
    { kind: 'start', name: 'start', title: 'Process start to listening; memory 1 s later', runs: quick ? 3 : 11 },
  ]
}

/** A variant of this name is taken for a build without metrics and policy, to see what these cost. */
const BARE = 'bare'

/** What Portolan wants to reach, as ratios within one run. */
function goals(hasBare: boolean): Goal[] {
  const cpu = (row: string, against: string, atMost: number): Goal => {
    return { title: `CPU per request, ${row}`, row, metric: 'cpuUs', of: 'portolan', against, atMost }
  }
  const of = 'portolan'
  return [
    cpu('get-c50-p1', 'twemproxy', 1.0),
    cpu('get-c50-p1', 'haproxy', 0.82),
    cpu('set-c50-p1', 'twemproxy', 1.0),
    cpu('set-c50-p1', 'haproxy', 0.82),
    cpu('get-c50-p16', 'twemproxy', 0.65),
    cpu('get-c50-p100', 'twemproxy', 0.25),
    cpu('set1k-c50-p16', 'twemproxy', 0.5),
    cpu('get-c500-p1', 'twemproxy', 1.0),
    { title: 'throughput', row: 'get-c50-p1', metric: 'rps', of, against: 'twemproxy', atLeast: 1.05 },
    {
      title: 'throughput, nothing pinned',
      row: 'get-c50-p1-unpinned',
      metric: 'rps',
      of,
      against: 'direct',
      atLeast: 0.9,
    },
    { title: 'p99', row: 'get-c50-p1', metric: 'p99Ms', of, against: 'twemproxy', atMost: 1.3 },
    { title: 'median latency of one client', row: 'alone', metric: 'p50Ms', of, against: 'twemproxy', atMost: 0.6 },
    { title: 'memory per idle client', row: 'idle-10000', metric: 'bytesPerClient', of, atMost: 6500 },
    { title: 'start against an empty script', row: 'start', metric: 'startRatio', of, atMost: 1.5 },
    { title: 'idle memory', row: 'start', metric: 'rssMb', of, atMost: 60 },
    ...(hasBare ? [cpu('get-c50-p1', `portolan:${BARE}`, 1.06), cpu('get-c50-p16', `portolan:${BARE}`, 1.06)] : []),
  ]
}

export function redisSuite({ root, quick, variants }: SuiteOptions): Suite {
  return {
    name: 'redis',
    title: 'Redis',
    backend: redisServer,
    peers: [
      direct,
      haproxy,
      twemproxy,
      portolan('portolan', join(root, 'bin/portolan.cjs')),
      ...variants.map(({ name, path }) => portolan(`portolan:${name}`, path)),
    ],
    rows: rows(quick),
    goals: goals(variants.some(({ name }) => name === BARE)),
    probe,
  }
}
