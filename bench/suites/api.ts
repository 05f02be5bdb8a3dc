/**
 * The suite of the standardized APIs: calls by Dapr's published parameters (1,000/s, 16 connections, 1 KB), each beside
 * the same made to the store, and how many a core can answer from what the sidecar holds itself.
 */

import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Goal, LoadRow, Peer, Row, Suite, SuiteOptions } from '../lib/suite.ts'
import { bytesField, framed, textField, varintField } from './api-messages.ts'
import { portolanPeer } from './peers.ts'
import { ask } from './redis-client.ts'
import { direct, redisServer } from './redis-peers.ts'
import { program } from './s3-peers.ts'

const RATE = 1_000

/** daprd's form of a configuration value. */
async function fill(backendPort: number): Promise<void> {
  await ask(backendPort, ['SET', 'bench', `${'x'.repeat(1024)}||1`])
}

const components = (backend: string) => `
components:
  configuration: { api: configuration, type: redis, backend: ${backend} }
  locks: { api: lock, type: redis, backend: ${backend} }
  numbers: { api: sequencer, type: redis, backend: ${backend} }
  messages: { api: pubsub, type: redis, backend: ${backend}, maxLength: 1000 }
`

function portolan(name: string, path: string): Peer {
  return portolanPeer(
    name,
    path,
    ({ port, adminPort, backendPort }) => `
listeners:
  api: { protocol: grpc, address: 127.0.0.1:${port} }
backends:
  store: { protocol: redis, endpoints: [127.0.0.1:${backendPort}] }
${components('store')}
admin: { address: 127.0.0.1:${adminPort} }
`,
  )
}

/** The same without any component. */
const bare = (path: string): Peer =>
  portolanPeer(
    'portolan-without-components',
    path,
    ({ port, adminPort }) => `
listeners:
  api: { protocol: grpc, address: 127.0.0.1:${port} }
admin: { address: 127.0.0.1:${adminPort} }
`,
  )

/** With the store that \`npm start\` has. */
const embedded = (path: string): Peer =>
  portolanPeer(
    'portolan-embedded',
    path,
    ({ port, adminPort, folder }) => `
listeners:
  api: { protocol: grpc, address: 127.0.0.1:${port} }
components:
${['configuration', 'lock', 'sequencer', 'pubsub'].map(api => `  ${api}: { api: ${api}, type: embedded, dataDirectory: ${join(folder, 'api')} }`).join('\n')}
admin: { address: 127.0.0.1:${adminPort} }
`,
  )

function atRate(call: string, title: string): LoadRow {
  return {
    kind: 'load',
    name: `${call}-1k`,
    title: `${title}, ${RATE.toLocaleString('en-US')}/s on 16 connections, 1 KB`,
    pinned: true,
    peers: ['direct', 'portolan'],
    expectedRps: RATE,
    // It spins to send on time; with idle priority it gives way at once to the store on its core.
    command: (port, _requests, ms) => [
      ...['chrt', '-i', '0', process.execPath],
      program('api-load'),
      `${port}`,
      call,
      `${RATE}`,
      `${Math.max(2, Math.round(ms / 1000))}`,
    ],
    parse: output => JSON.parse(output),
  }
}

/** As many calls as go, by a tool that speaks HTTP/2 and knows nothing of gRPC: the body is the framed message. */
function asFast(name: string, title: string, path: string, message: Buffer): LoadRow {
  const body = join(tmpdir(), `portolan-bench-${process.pid}-${name}.bin`)
  return {
    kind: 'load',
    name,
    title,
    pinned: true,
    peers: ['portolan'],
    expectedRps: 10_000,
    async prepare() {
      writeFileSync(body, framed(message))
    },
    command: (port, requests) => [
      ...['h2load', '-n', `${requests}`, '-c', '16', '-m', '4', '-d', body],
      ...['-H', 'content-type: application/grpc', '-H', 'te: trailers', `http://127.0.0.1:${port}/${path}`],
    ],
    parse: parseH2load,
  }
}

/** The rate that h2load prints. Throws when some calls failed. */
export function parseH2load(output: string): { rps: number } {
  const rps = Number(/^finished in [\d.]+m?s, ([\d.]+) req\/s/m.exec(output)?.[1])
  const failed = /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(output)
  if (!(rps > 0) || failed === null || failed.slice(1).some(count => count !== '0'))
    throw new Error(`h2load was not answered as it should be: ${output.slice(-500)}`)
  return { rps }
}

const SELECTION = Buffer.concat([textField(1, 'configuration'), textField(2, 'bench')])

function rows(quick: boolean): Row[] {
  return [
    atRate('get', 'configuration get'),
    atRate('lock', 'lock'),
    atRate('publish', 'publish to a stream'),
    asFast(
      'snapshot',
      'configuration get from the snapshot, as fast as it goes',
      'portolan.v1.Configuration/Get',
      Buffer.concat([bytesField(1, SELECTION), varintField(2, 1)]),
    ),
    asFast(
      'segment',
      'number out of a segment, as fast as it goes',
      'portolan.v1.Sequencer/Next',
      Buffer.concat([textField(1, 'numbers'), textField(2, 'bench')]),
    ),
    {
      kind: 'start',
      name: 'start',
      title: 'Process start to listening; memory 1 s later',
      peers: ['portolan*'],
      runs: quick ? 3 : 9,
    },
  ]
}

const ADDED_MS = { p50Ms: 0.25, p99Ms: 1.5 } as const

function goals(): Goal[] {
  const of = 'portolan'
  const added = (row: string, metric: 'p50Ms' | 'p99Ms'): Goal => ({
    title: `added ${metric === 'p50Ms' ? 'median' : 'p99'}, ${row}`,
    row,
    metric,
    of,
    minus: 'direct',
    atMost: ADDED_MS[metric],
  })
  return [
    ...['get-1k', 'lock-1k', 'publish-1k'].flatMap(row => [added(row, 'p50Ms'), added(row, 'p99Ms')]),
    { title: 'calls a second of a core, snapshot', row: 'snapshot', metric: 'rps', of, atLeast: 15_000 },
    { title: 'calls a second of a core, segment', row: 'segment', metric: 'rps', of, atLeast: 15_000 },
    {
      title: 'memory without components, MB',
      row: 'start',
      metric: 'rssMb',
      of: 'portolan-without-components',
      atMost: 70,
    },
    { title: 'memory with the embedded store, MB', row: 'start', metric: 'rssMb', of: 'portolan-embedded', atMost: 80 },
    {
      title: 'start with the embedded store, ms',
      row: 'start',
      metric: 'startMs',
      of: 'portolan-embedded',
      atMost: 250,
    },
  ]
}

export function apiSuite({ root, quick }: SuiteOptions): Suite {
  const path = join(root, 'bin/portolan.cjs')
  return {
    name: 'api',
    title: 'Standardized APIs',
    backend: redisServer,
    fill,
    peers: [direct, portolan('portolan', path), bare(path), embedded(path)],
    rows: rows(quick),
    goals: goals(),
    // What listens is asked by the rows; those without components have nothing to be asked for.
    probe: async () => {},
  }
}
