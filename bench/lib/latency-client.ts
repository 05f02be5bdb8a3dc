/**
 * Load client for latency, a process of its own. At a fixed rate (open loop) the moments of sending are fixed in
 * advance and each latency counts from its planned moment, so a stall of the peer is charged to every request that
 * was due meanwhile (no coordinated omission). With `alone` one client waits for each reply, as an application does.
 *
 * argv[2]: a LatencyPlan as JSON. Prints "measuring" when the warm-up is over and a LatencyReport as JSON at the end.
 */

import { connect, type Socket } from 'node:net'
import { Histogram } from './histogram.ts'

export interface LatencyPlan {
  readonly port: number
  readonly connections: number
  readonly rate: number | 'alone'
  readonly warmMs: number
  readonly measureMs: number
  readonly request: string
  readonly replyBytes: number
}

export interface LatencyReport {
  readonly requests: number
  readonly lost: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly lateP99Ms: number
}

const TICKS_PER_MS = 10_000 // the histogram counts units of 100 ns, up to 429 s

class Connection {
  readonly #socket: Socket
  readonly #plan: LatencyPlan
  readonly #request: Buffer
  readonly #onReply: (dueMs: number) => void
  #due: number[] = []
  #next = 0
  #received = 0

  constructor(plan: LatencyPlan, onReply: (dueMs: number) => void) {
    this.#plan = plan
    this.#request = Buffer.from(plan.request, 'latin1')
    this.#onReply = onReply
    this.#socket = connect({
      port: plan.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(65_536), callback: bytes => this.#read(bytes) },
    })
    this.#socket.once('error', fail)
    this.#socket.once('close', () => fail(new Error('the peer closed a connection')))
  }

  send(dueMs: number): void {
    this.#due.push(dueMs)
    this.#socket.write(this.#request)
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  get waiting(): readonly number[] {
    return this.#due.slice(this.#next)
  }

  #read(bytes: number): boolean {
    this.#received += bytes
    while (this.#received >= this.#plan.replyBytes) {
      if (this.#next === this.#due.length) fail(new Error('the peer sent more than one reply per request'))
      this.#received -= this.#plan.replyBytes
      const dueMs = this.#due[this.#next++] as number
      if (this.#next === 4096) {
        this.#due = this.#due.slice(4096)
        this.#next = 0
      }
      this.#onReply(dueMs)
    }
    return true
  }
}

function fail(error: Error): void {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

const plan = JSON.parse(process.argv[2] as string) as LatencyPlan
const latencies = new Histogram()
const lateness = new Histogram()
const connections: Connection[] = []
let measureFrom = Number.POSITIVE_INFINITY
let measureTo = Number.POSITIVE_INFINITY

function settle(dueMs: number): void {
  if (dueMs >= measureFrom && dueMs < measureTo) latencies.record((performance.now() - dueMs) * TICKS_PER_MS)
}

function begin(): number {
  const startMs = performance.now()
  measureFrom = startMs + plan.warmMs
  measureTo = measureFrom + plan.measureMs
  setTimeout(() => process.stdout.write('measuring\n'), plan.warmMs)
  return startMs
}

function finish(): void {
  let lost = 0
  for (const connection of connections) {
    for (const dueMs of connection.waiting) {
      settle(dueMs)
      if (dueMs >= measureFrom && dueMs < measureTo) lost++
    }
    connection.close()
  }
  const ms = (share: number) => latencies.quantile(share) / TICKS_PER_MS
  const report: LatencyReport = {
    requests: latencies.count,
    lost,
    p50Ms: ms(0.5),
    p99Ms: ms(0.99),
    p999Ms: ms(0.999),
    maxMs: latencies.max / TICKS_PER_MS,
    lateP99Ms: lateness.quantile(0.99) / TICKS_PER_MS,
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

/** A timer is too coarse to meet the planned moments, so this spins; the caller gives the process idle priority. */
function runAtRate(ratePerSecond: number): void {
  const startMs = begin()
  const gapMs = 1000 / ratePerSecond
  let sent = 0
  const turn = () => {
    const nowMs = performance.now()
    for (let dueMs = startMs + sent * gapMs; dueMs <= nowMs; dueMs = startMs + ++sent * gapMs) {
      if (dueMs >= measureTo) break
      if (dueMs >= measureFrom) lateness.record((nowMs - dueMs) * TICKS_PER_MS)
      connections[sent % connections.length]?.send(dueMs)
    }
    const done = nowMs >= measureTo && connections.every(connection => connection.waiting.length === 0)
    if (done || nowMs > measureTo + 2000) finish()
    else setImmediate(turn)
  }
  turn()
}

/** Each connection sends its next request as soon as the reply to the last one is complete. */
function runAlone(): void {
  begin()
  for (const connection of connections) connection.send(performance.now())
}

function onReply(connection: () => Connection, dueMs: number): void {
  settle(dueMs)
  if (plan.rate !== 'alone') return
  const nowMs = performance.now()
  if (nowMs < measureTo) connection().send(nowMs)
  else finish()
}

/** One request per connection before anything is counted: it opens the connection and proves the length of the reply. */
let opened = 0
for (let i = 0; i < plan.connections; i++) {
  const connection: Connection = new Connection(plan, dueMs => {
    if (dueMs !== 0) return onReply(() => connection, dueMs)
    if (++opened < plan.connections) return
    if (plan.rate === 'alone') runAlone()
    else runAtRate(plan.rate)
  })
  connections.push(connection)
  connection.send(0)
}
