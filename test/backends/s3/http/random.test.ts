/** Random requests to a server that answers at random, wholly or not: each one ends once, and as it must. */
import { expect, test } from 'vitest'
import { deferred, type Outcome, onRequest, poolTo, rawServer, requestOf, send } from './client.ts'

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function numbersOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const bodyOf = (id: number, size: number): Buffer => Buffer.alloc(size, `${id};`)

/** The target tells the server what to do, so that both sides know. */
interface Plan {
  readonly id: number
  readonly size: number
  readonly framing: 'length' | 'chunked' | 'close'
  /** How much of the response is sent before the connection breaks; 1 for all of it. */
  readonly share: number
  readonly pieces: number
}

const targetOf = (plan: Plan): string => `/${encodeURIComponent(JSON.stringify(plan))}`
const planOf = (text: string): Plan => JSON.parse(decodeURIComponent(/^\w+ \/(\S+)/.exec(text)![1]!))

function responseTo({ id, size, framing }: Plan, method: string): Buffer {
  const body = bodyOf(id, size)
  const head = (fields: string) => Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`)
  const last = framing === 'close' ? 'Connection: close\r\n' : ''
  if (method === 'HEAD') return head(`${last}Content-Length: ${size}\r\n`)
  if (framing === 'length') return Buffer.concat([head(`Content-Length: ${size}\r\n`), body])
  if (framing === 'close') return Buffer.concat([head(last), body])
  const chunks: Buffer[] = []
  for (let at = 0; at < size; at += 1000) {
    const chunk = body.subarray(at, at + 1000)
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([head('Transfer-Encoding: chunked\r\n'), ...chunks, Buffer.from('0\r\n\r\n')])
}

test.each([1, 2, 3])('seed %i', async seed => {
  const random = numbersOf(seed)
  const upTo = (n: number) => Math.floor(random() * n)
  const port = await rawServer(socket =>
    onRequest(socket, async text => {
      const plan = planOf(text)
      const response = responseTo(plan, text.split(' ')[0]!)
      const sent = response.subarray(0, Math.floor(response.length * plan.share))
      const step = Math.ceil(sent.length / plan.pieces) || 1
      for (let at = 0; at < sent.length && !socket.destroyed; at += step) {
        const piece = sent.subarray(at, at + step)
        if (!socket.write(piece)) await new Promise(resolve => socket.once('drain', resolve).once('close', resolve))
        else await new Promise(resolve => setImmediate(resolve))
      }
      if (plan.share < 1) socket.destroy()
      else if (plan.framing === 'close') socket.end()
    }),
  )
  const { pool, metrics } = poolTo(port, { maxConnections: 5, maxQueue: 1000 })

  const one = async (id: number): Promise<void> => {
    const method = ['GET', 'HEAD', 'DELETE'][upTo(3)]!
    const framing = (['length', 'chunked', 'close'] as const)[upTo(3)]!
    const isCut = random() < 0.2
    const plan = {
      id,
      size: upTo(4) === 0 ? 0 : upTo(200_000),
      framing,
      share: isCut ? random() * 0.99 : 1,
      pieces: 1 + upTo(5),
    }
    const aborts = random() < 0.1
    const stops = random() < 0.4
    let ends = 0
    let aborted = false
    const given = deferred<undefined>()
    const tell = () => {
      if (aborted || ends > 0) throw new Error('told after the end')
    }
    const { exchange, outcome } = send(pool, requestOf(method, targetOf(plan)), {
      onHead: tell,
      onData() {
        tell()
        if (aborts) {
          aborted = true
          setImmediate(() => exchange.resume())
          exchange.abort()
          given.resolve(undefined)
        } else if (stops) setImmediate(() => exchange.resume())
        return !stops
      },
      onEnd() {
        tell()
        ends++
      },
      onFailed() {
        tell()
        ends++
      },
    })
    const result: Outcome | undefined = await Promise.race([outcome, given.promise])
    if (!result) return
    // A body that ends with its connection has no other end.
    const isWhole = !isCut || (framing === 'close' && method !== 'HEAD' && result.head !== undefined)
    expect([id, result.error?.code, ends]).toEqual([id, isWhole ? undefined : 'upstream-lost', 1])
    if (isCut || method === 'HEAD') return
    expect(result.body.equals(bodyOf(id, plan.size))).toBe(true)
  }
  await Promise.all(Array.from({ length: 400 }, (_, id) => one(id)))
  await pool.close(5000)
  expect(metrics).toMatchObject({ connections: { value: 0 }, inFlight: { value: 0 }, queued: { value: 0 } })
  expect(pool.status().endpoints[0]?.connections).toBe(0)
})
