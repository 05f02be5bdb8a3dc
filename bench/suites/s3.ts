/** The S3 suite: signed requests direct and through nginx, HAProxy, VersityGW and Portolan. */

import { createHash } from 'node:crypto'
import type { Goal, LoadRow, Row, Suite, SuiteOptions, TransferRow } from '../lib/suite.ts'
import { ask, parseWrk, type Repeated, wrk } from './s3-client.ts'
import { BUCKET, OBJECTS, type ObjectName } from './s3-objects.ts'
import { EMBEDDED, embedded, haproxy, nginx, portolan, program, service, VERSITYGW, versitygw } from './s3-peers.ts'

const GIB = 2 ** 30

interface Load {
  readonly name: string
  readonly title: string
  readonly request: Repeated
  readonly expectedRps: number
  readonly bytes?: number
}

function get(object: ObjectName, connections: number, expectedRps: number): Load {
  const { path, bytes } = OBJECTS[object]
  return {
    name: `get-${object}`,
    title: `GET of ${bytes.toLocaleString('en-US')} bytes, ${connections} connections`,
    request: { method: 'GET', path, bytes: 0, isHashed: true, connections },
    expectedRps,
    ...(bytes > 1024 && { bytes }),
  }
}

function put(object: ObjectName, isHashed: boolean, connections: number, expectedRps: number): Load {
  const { path, bytes } = OBJECTS[object]
  return {
    name: `put-${object}${isHashed ? '' : '-unsigned'}`,
    title: `PUT of ${bytes.toLocaleString('en-US')} bytes, ${isHashed ? 'SHA-256 signed' : 'UNSIGNED-PAYLOAD'}, ${connections} connections`,
    request: { method: 'PUT', path, bytes, isHashed, connections },
    expectedRps,
    ...(bytes > 1024 && { bytes }),
  }
}

const LOADS: readonly Load[] = [
  get('1k', 50, 20_000),
  get('1m', 8, 1000),
  get('64m', 2, 20),
  put('1k', true, 50, 20_000),
  put('1m', true, 8, 500),
  put('64m', false, 2, 20),
  put('64m', true, 2, 10),
]

function loadRow({ name, title, request, expectedRps, bytes }: Load, root: string): LoadRow {
  return {
    kind: 'load',
    name,
    title,
    // The embedded store is no proxy, and so is compared with none.
    peers: ['direct', 'nginx', 'haproxy', VERSITYGW, 'portolan', 'portolan:*'],
    pinned: true,
    expectedRps,
    command: (port, _requests, ms) => wrk(root, port, request, ms),
    parse: parseWrk,
    ...(bytes !== undefined && { bytes }),
  }
}

const BODY_MODES = [
  'hex',
  'unsigned',
  'signed-chunks',
  'signed-chunks-trailer',
  'unsigned-trailer',
  'presigned',
] as const

function uploadRow(mode: (typeof BODY_MODES)[number], quick: boolean): TransferRow {
  const bytes = quick ? GIB / 4 : 5 * GIB
  return {
    kind: 'transfer',
    name: `put-5g-${mode}`,
    title: `PUT of ${quick ? '256 MiB' : '5 GiB'}, body mode ${mode}`,
    peers: ['portolan*'],
    probe,
    bytes,
    command: port => [process.execPath, program('s3-upload'), `${port}`, `/${BUCKET}/large`, `${bytes}`, mode],
  }
}

/** What Portolan wants to reach: ratios within one run, and a share of what hashing alone would reach. */
function goals(): Goal[] {
  const cpu = { title: 'CPU per request', metric: 'cpuUs', of: 'portolan' } as const
  return [
    { ...cpu, row: 'get-1k', against: 'nginx', atMost: 2 },
    { ...cpu, row: 'get-1m', against: 'nginx', atMost: 0.75 },
    { ...cpu, row: 'put-1k', against: 'nginx', atMost: 2.2 },
    ...['get-64m', 'put-64m-unsigned'].map((row): Goal => {
      return { title: 'GiB/s per core', row, metric: 'gibPerCore', of: 'portolan', against: 'nginx', atLeast: 1 }
    }),
    {
      title: '0.55 of bare SHA-256, GiB/s per core',
      row: 'put-64m',
      metric: 'gibPerCore',
      of: 'portolan',
      atLeast: 0.55 * hashSpeed(),
    },
    ...BODY_MODES.map((mode): Goal => {
      return { title: 'memory growth', row: `put-5g-${mode}`, metric: 'growthMb', of: 'portolan', atMost: 64 }
    }),
    ...BODY_MODES.map((mode): Goal => {
      return { title: 'memory growth', row: `put-5g-${mode}`, metric: 'growthMb', of: EMBEDDED, atMost: 64 }
    }),
    ...LOADS.map(({ name }): Goal => ({ ...cpu, row: name, against: VERSITYGW, atMost: 1 })),
  ]
}

/** SHA-256 over pieces of 1 MiB, in GiB/s: the fastest of some rounds. */
function hashSpeed(): number {
  const piece = Buffer.alloc(2 ** 20)
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 100; round++) {
    const from = performance.now()
    createHash('sha256').update(piece).digest()
    fastest = Math.min(fastest, performance.now() - from)
  }
  return piece.length / GIB / (fastest / 1000)
}

/** One upload, and one object of the right length. */
async function probe(port: number): Promise<void> {
  // The backend of the suite takes what comes, the embedded store wants the bucket.
  await ask(port, 'PUT', `/${BUCKET}`, Buffer.alloc(0))
  const { path, bytes } = OBJECTS['1k']
  const written = await ask(port, 'PUT', path, Buffer.alloc(bytes, 'x'))
  if (written.status !== 200) throw new Error(`PUT was answered with ${written.status}`)
  const read = await ask(port, 'GET', path, Buffer.alloc(0))
  if (read.status !== 200 || read.bytes !== bytes)
    throw new Error(`GET was answered with ${read.status} and ${read.bytes} bytes`)
}

export function s3Suite({ root, quick, variants }: SuiteOptions): Suite {
  const gateway = versitygw()
  const rows: Row[] = [...LOADS.map(load => loadRow(load, root)), ...BODY_MODES.map(mode => uploadRow(mode, quick))]
  return {
    name: 's3',
    title: 'S3',
    backend: service,
    peers: [
      { name: 'direct' },
      nginx,
      haproxy,
      ...(gateway ? [gateway] : []),
      portolan('portolan', root),
      embedded(root),
      ...variants.map(({ name, path }) => portolan(`portolan:${name}`, path)),
    ],
    absent: gateway ? [] : [{ name: VERSITYGW, reason: 'as it is not on the PATH' }],
    rows,
    goals: goals(),
    probe,
  }
}
