/**
 * A client of its own for calls of the standardized APIs, and for the same made to the store itself:
 * `api-load PORT CALL RATE SECONDS`. Sends at planned moments over 16 connections, as Dapr's published tests do, and
 * counts each latency from its moment. Prints one line of JSON.
 */

import { createConnection } from 'node:net'
import { Histogram } from '../lib/histogram.ts'
import { framed, textField, varintField } from './api-messages.ts'
import { GrpcClient } from './grpc-client.ts'
import { encodeCommand } from './redis-client.ts'

const CONNECTIONS = 16
const TICKS_PER_MS = 10_000

const [port, call, rate, seconds] = [
  Number(process.argv[2]),
  process.argv[3]!,
  Number(process.argv[4]),
  Number(process.argv[5]),
]

const PAYLOAD = 'x'.repeat(1024)

type Send = (id: number) => Promise<void>

/** What a call is to the store, and to Portolan. */
const CALLS: Readonly<
  Record<
    string,
    {
      readonly direct: (id: number) => readonly string[]
      /** Lines of the store's reply. */
      readonly lines: number
      readonly path: string
      readonly message: (id: number) => Buffer
    }
  >
> = {
  get: {
    direct: () => ['MGET', 'bench'],
    lines: 3,
    path: '/dapr.proto.runtime.v1.Dapr/GetConfiguration',
    message: () => Buffer.concat([textField(1, 'configuration'), textField(2, 'bench')]),
  },
  lock: {
    direct: id => ['SET', `lock||app||${process.pid}-${id}`, 'owner', 'NX', 'PX', '5000'],
    lines: 1,
    path: '/dapr.proto.runtime.v1.Dapr/TryLockAlpha1',
    message: id =>
      Buffer.concat([
        textField(1, 'locks'),
        textField(2, `${process.pid}-${id}`),
        textField(3, 'owner'),
        varintField(4, 5),
      ]),
  },
  publish: {
    direct: () => ['XADD', 'bench-direct', 'MAXLEN', '~', '1000', '*', 'data', PAYLOAD, 'metadata', '{}'],
    lines: 2,
    path: '/dapr.proto.runtime.v1.Dapr/PublishEvent',
    message: () =>
      Buffer.concat([
        textField(1, 'messages'),
        textField(2, 'bench-topic'),
        textField(3, PAYLOAD),
        textField(4, 'text/plain'),
      ]),
  },
}

/** Which of the two listens there: a Redis server answers PING. */
function isRedis(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.on('error', reject)
    socket.once('data', data => {
      socket.destroy()
      resolve(data.toString('latin1').startsWith('+PONG'))
    })
    socket.once('close', () => resolve(false))
  })
}

function direct({ direct: command, lines }: (typeof CALLS)[string]): Send {
  const waiting: (() => void)[] = []
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
  let ends = 0
  let text = ''
  socket.setEncoding('latin1').on('data', part => {
    text += part
    for (let at = text.indexOf('\r\n'); at >= 0; at = text.indexOf('\r\n')) {
      if (text.startsWith('-')) fail(text)
      text = text.slice(at + 2)
      if (++ends % lines === 0) waiting.shift()!()
    }
  })
  return id =>
    new Promise(resolve => {
      waiting.push(resolve)
      socket.write(encodeCommand(command(id)), 'latin1')
    })
}

function proxied({ path, message }: (typeof CALLS)[string]): Send {
  const client = new GrpcClient(createConnection({ port, host: '127.0.0.1', noDelay: true }), path, fail)
  return id => new Promise(resolve => client.call(framed(message(id)), resolve))
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

const shape = CALLS[call]!
const toStore = await isRedis()
const connections = Array.from({ length: CONNECTIONS }, () => (toStore ? direct(shape) : proxied(shape)))
await Promise.all(connections.map((send, i) => send(-1 - i)))

const latencies = new Histogram()
const total = Math.round(rate * seconds)
const startMs = performance.now()
let sent = 0
let done = 0
await new Promise<void>(resolve => {
  const turn = () => {
    const now = performance.now()
    for (; sent < total && startMs + (sent * 1000) / rate <= now; sent++) {
      const dueMs = startMs + (sent * 1000) / rate
      void connections[sent % CONNECTIONS]!(sent).then(() => {
        latencies.record((performance.now() - dueMs) * TICKS_PER_MS)
        if (++done === total) resolve()
      })
    }
    if (sent < total) setImmediate(turn)
  }
  turn()
})
const ms = (share: number) => latencies.quantile(share) / TICKS_PER_MS
const result = { requests: total, rps: total / ((performance.now() - startMs) / 1000), p50Ms: ms(0.5), p99Ms: ms(0.99) }
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
