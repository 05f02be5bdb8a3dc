import { createHash } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { Client } from './harness.ts'

let client: Client
beforeAll(async () => {
  client = await Client.started()
  await client.ask('PUT', 'box')
})

test('of a thousand who create, one wins', async () => {
  const headers = { 'if-none-match': '*' }
  const all = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => client.put('box', 'won', `by ${i}`, { headers })),
  )
  const winners = all.flatMap((got, i) => (got.status === 200 ? [i] : []))
  expect(winners).toHaveLength(1)
  expect(new Set(all.map(got => got.code))).toEqual(new Set(['', 'PreconditionFailed']))
  expect((await client.get('box', 'won')).text).toBe(`by ${winners[0]}`)
})

test('who replaces what they have read lose no update', async () => {
  await client.put('box', 'counter', '0')
  const increment = async (): Promise<void> => {
    for (;;) {
      const { text, headers } = await client.get('box', 'counter')
      const put = await client.put('box', 'counter', String(Number(text) + 1), {
        headers: { 'if-match': headers['etag']! },
      })
      if (put.status === 200) return
      expect(put.code).toBe('PreconditionFailed')
    }
  }
  await Promise.all(Array.from({ length: 40 }, increment))
  expect((await client.get('box', 'counter')).text).toBe('40')
})

test('readers see one whole object or another while it is replaced and deleted', async () => {
  const body = (i: number) => Buffer.alloc(100_000 + i * 1_000, `version ${i} `)
  let isOver = false
  const read = async () => {
    let whole = 0
    while (!isOver) {
      const got = await client.get('box', 'busy')
      if (got.status === 404) continue
      expect(got.headers['etag']).toBe(`"${createHash('md5').update(got.body).digest('hex')}"`)
      expect(got.body.length).toBe(100_000 + Number(/\d+/.exec(got.text)![0]) * 1_000)
      whole++
    }
    return whole
  }
  const write = async (first: number) => {
    for (let i = first; i < first + 30; i++) {
      await client.put('box', 'busy', body(i), { pieces: 30_000 })
      if (i % 10 === 9) await client.ask('DELETE', 'box', { key: 'busy' })
    }
  }
  const readers = [read(), read(), read()]
  await Promise.all([write(0), write(100), write(200)])
  isOver = true
  for (const whole of await Promise.all(readers)) expect(whole).toBeGreaterThan(0)
})
