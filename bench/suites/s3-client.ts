/** What the S3 suite runs against a port: wrk with one signed request, and a single request of its own. */

import { connect } from 'node:net'
import { join } from 'node:path'
import { declared, sign } from './s3-signed.ts'

/** A request that is repeated. */
export interface Repeated {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  /** Of its body. */
  readonly bytes: number
  /** SHA-256 of the body is in the signature. */
  readonly isHashed: boolean
  readonly connections: number
}

/** A run of less may end before the first of the large bodies. */
const LEAST_LARGE_SECONDS = 3

export function wrk(root: string, port: number, request: Repeated, ms: number): string[] {
  const { method, path, bytes, isHashed, connections } = request
  const { headers } = sign(port, method, path, declared(bytes, isHashed))
  const least = connections <= 2 ? LEAST_LARGE_SECONDS : 1
  return [
    ...[
      'wrk',
      '--threads',
      '1',
      '--connections',
      `${connections}`,
      '--duration',
      `${Math.max(least, Math.ceil(ms / 1000))}s`,
    ],
    ...['--latency', '--timeout', '30s', '--script', join(root, 'bench/suites/s3-request.lua')],
    ...headers.flatMap((name, at) => (at % 2 === 0 ? ['--header', `${name}: ${headers[at + 1]}`] : [])),
    ...[`http://127.0.0.1:${port}${path}`, '--', method, `${bytes}`],
  ]
}

/** Requests and percentiles out of what wrk prints with --latency. Throws when some failed. */
export function parseWrk(output: string): { rps: number; requests: number; p50Ms: number; p99Ms: number } {
  const requests = Number(/^\s+(\d+) requests in /m.exec(output)?.[1])
  const rps = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(output)?.[1])
  if (!(requests > 0 && rps > 0) || /Socket errors|Non-2xx/.test(output))
    throw new Error(`wrk was not answered as it should be: ${output.slice(-500)}`)
  return { rps, requests, p50Ms: percentile(output, 50), p99Ms: percentile(output, 99) }
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

function percentile(output: string, percent: number): number {
  const [, value, unit] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)$`, 'm').exec(output) ?? []
  return Number(value) * UNITS[unit ?? 's']!
}

/** Sends one signed request on a connection of its own; gives the status and the length of the body. Waits 5 s at most. */
export function ask(
  port: number,
  method: string,
  path: string,
  body: Buffer,
): Promise<{ status: number; bytes: number }> {
  const { headers } = sign(port, method, path, declared(body.length, true))
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1]}`] : []))
  const framing = method === 'PUT' ? [`content-length: ${body.length}`] : []
  const head = [`${method} ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...lines, ...framing, 'connection: close']
  return new Promise((resolve, reject) => {
    const answer: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
      socket.write(body)
    })
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer within 5 s')))
    socket.on('error', reject)
    socket.on('data', chunk => answer.push(chunk))
    // The backend keeps its connection open; what was announced tells the end.
    socket.on('data', () => {
      const all = Buffer.concat(answer)
      const end = all.indexOf('\r\n\r\n') + 4
      const length = /^content-length: *(\d+)/im.exec(all.toString('latin1', 0, end))?.[1]
      if (end >= 4 && length !== undefined && all.length >= end + Number(length)) socket.destroy()
    })
    socket.on('close', () => {
      const all = Buffer.concat(answer)
      resolve({ status: Number(all.toString('latin1', 9, 12)), bytes: all.length - all.indexOf('\r\n\r\n') - 4 })
    })
  })
}
