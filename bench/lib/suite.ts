/**
 * What a benchmark suite is made of: peers (ways to reach one backend), rows (workloads) and goals (ratios to reach).
 * A suite is data; the measuring is the same for all protocols.
 */

import type { Metric, Sample } from './metrics.ts'

/** What a peer or backend is told when it is started; every port is free and on 127.0.0.1. */
export interface Placement {
  readonly port: number
  readonly backendPort: number
  /** A second port, for statistics or administration. */
  readonly adminPort: number
  /** A folder of its own, removed at the end. */
  readonly folder: string
  readonly node: string
}

export interface Launch {
  /** Commands that are run to their end before, in order. */
  readonly before?: readonly (readonly string[])[]
  readonly command: readonly string[]
  /** Files to write into the folder before the start: name to text. */
  readonly files?: Readonly<Record<string, string>>
}

/** One way from the client to the backend. Without `launch`, the client goes straight to the backend. */
export interface Peer {
  readonly name: string
  /** A command whose first line of output tells the version. */
  readonly version?: readonly string[]
  readonly launch?: (placement: Placement) => Launch
}

interface RowBase {
  readonly name: string
  readonly title: string
  /** Names of those it is measured on, or prefixes that end in `*`; all when not given. */
  readonly peers?: readonly string[]
}

/** A closed-loop load by an external tool: throughput, its own percentiles, CPU per request. */
export interface LoadRow extends RowBase {
  readonly kind: 'load'
  /** Load and backend on core 0, proxy on core 1; otherwise the scheduler decides. */
  readonly pinned: boolean
  /** Sizes the first warm-up only. */
  readonly expectedRps: number
  /** Fewer requests are never measured; 1,000 when not given. */
  readonly leastRequests?: number
  /** What the tool prints when its connections stand: processor time counts from there; from its start when not given. */
  readonly begins?: string
  prepare?(backendPort: number): Promise<void>
  /** What runs so many requests, or, where the tool knows no such number, for so many milliseconds. */
  command(port: number, requests: number, ms: number): readonly string[]
  /** `requests` where the tool was told a time. */
  parse(output: string): Sample & { readonly rps: number; readonly requests?: number }
  /** Of the body that each request moves: the processor time is also told per GiB. */
  readonly bytes?: number
}

/** Requests per second; `alone` for one client that waits for each reply; or a share of the slowest peer in another row. */
export type Rate = number | 'alone' | { readonly share: number; readonly ofRow: string; readonly otherwise: number }

/** Latency by the project's own client; the reply must always have the same length. */
export interface LatencyRow extends RowBase {
  readonly kind: 'latency'
  readonly pinned: boolean
  readonly connections: number
  readonly rate: Rate
  readonly request: string
  readonly replyBytes: number
  prepare?(backendPort: number): Promise<void>
}

/** Memory of a fresh proxy per idle client; each client has sent one request. */
export interface IdleRow extends RowBase {
  readonly kind: 'idle'
  readonly clients: number
  readonly request: string
  readonly replyBytes: number
  prepare?(backendPort: number): Promise<void>
}

/** One response so large that it must stream: how far the proxy's memory grows meanwhile. */
export interface TransferRow extends RowBase {
  readonly kind: 'transfer'
  readonly bytes: number
  /** One small request before, after which the memory counts that the proxy has anyway. */
  probe(port: number): Promise<void>
  /** Reads the response to its end. */
  command(port: number): readonly string[]
}

/** Time from process start to the first accepted connection, against an empty Node script, and memory then. */
export interface StartRow extends RowBase {
  readonly kind: 'start'
  readonly runs: number
}

export type Row = LoadRow | LatencyRow | IdleRow | TransferRow | StartRow

/**
 * `of` measured in `row`, divided by `against` in the same repetition, or less what `minus` has there, or taken as it
 * is, within the bound.
 */
export interface Goal {
  readonly title: string
  readonly row: string
  readonly metric: Metric
  readonly of: string
  readonly against?: string
  readonly minus?: string
  readonly atMost?: number
  readonly atLeast?: number
}

/** A peer that this machine does not have. */
export interface AbsentPeer {
  readonly name: string
  readonly reason: string
}

export interface Suite {
  readonly name: string
  readonly title: string
  readonly backend: Peer & { launch(placement: Placement): Launch }
  /** Gives a backend that has just started the data that all rows need. */
  fill?(backendPort: number): Promise<void>
  readonly peers: readonly Peer[]
  readonly absent?: readonly AbsentPeer[]
  readonly rows: readonly Row[]
  readonly goals: readonly Goal[]
  /** One request and its answer; rejects unless the answer is right. Run once per peer before anything is measured. */
  probe(port: number): Promise<void>
}

/** What the command line says that a suite needs for its peers and rows. */
export interface SuiteOptions {
  readonly root: string
  readonly quick: boolean
  /** Which of its backends, where a suite has several; empty for the first. */
  readonly backend: string
  readonly variants: readonly { readonly name: string; readonly path: string }[]
}
