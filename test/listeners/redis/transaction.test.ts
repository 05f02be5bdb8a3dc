/** MULTI, WATCH and what they may cost: whole transactions on the shared connection, others on one of their own. */
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'
import { type Argument, type RespClient, request } from '../../support/resp-client.ts'

const rig = new RedisRig()

const open = () => rig.client(rig.proxied)
const lent = () => rig.proxied.metric('portolan_upstream_connections', { use: 'exclusive' })
const connects = () => rig.proxied.metric('portolan_upstream_connects_total')

/** Connections that the server has accepted since it started, those of the tests included. */
async function accepted(): Promise<number> {
  return Number(/total_connections_received:(\d+)/.exec(String(await rig.direct.call('INFO', 'stats')))![1])
}

/** Waits until the spare connections stand, so that what is opened later shows. */
async function settled(): Promise<void> {
  await until(() => rig.proxied.metric('portolan_upstream_connections', { use: 'spare' }) === 2)
}

test('whole transactions of many clients never interleave, open no connection and borrow none', async () => {
  const clients = await rig.clients(20, rig.proxied)
  await Promise.all(clients.map(client => client.call('PING')))
  await settled()
  const before = await accepted()
  let borrowed = 0
  const rounds = clients.map(async (client, n) => {
    for (let round = 0; round < 30; round++) {
      const body: (readonly Argument[])[] = [
        ['GET', 'owner'],
        ['SET', 'owner', n],
        ['INCR', 'step'],
        ['INCR', 'step'],
        ['GET', 'owner'],
        ['INCR', 'step'],
        ['SET', 'owner', 'nobody'],
      ]
      const replies = await client.pipeline([['MULTI'], ...body, ['EXEC']])
      borrowed = Math.max(borrowed, lent())
      const [first, , a, b, owner, c] = replies.at(-1) as [string | null, string, number, number, string, number]
      expect(first === null || first === 'nobody').toBe(true)
      expect([owner, b, c]).toEqual([`${n}`, a + 1, a + 2])
    }
  })
  await Promise.all(rounds)
  expect(await rig.direct.call('GET', 'step')).toBe(String(20 * 30 * 3))
  expect(borrowed).toBe(0)
  // None for a transaction; where the machine stands still for a moment, the shared connection counts as stuck and is replaced.
  expect((await accepted()) - before).toBeLessThan(10)
})

test('whole transactions with commands that are special elsewhere stay whole too', async () => {
  const client = await open()
  await client.call('PING')
  await settled()
  client.write(
    Buffer.concat([
      request('MULTI'),
      request('PING'),
      request('PUBLISH', 'c', 'm'),
      request('BLPOP', 'none', 0),
      request('XREAD', 'BLOCK', 0, 'STREAMS', 's', '$'),
      request('WAIT', 0, 0),
      request('SCRIPT', 'EXISTS', 'x'),
      request('EXEC'),
    ]),
  )
  let borrowed = 0
  const watch = setInterval(() => (borrowed = Math.max(borrowed, lent())), 0)
  const replies = await client.take(8)
  clearInterval(watch)
  expect(replies).toEqual(['OK', ...Array(6).fill('QUEUED'), ['PONG', 0, null, null, 0, [0]]])
  expect(borrowed).toBe(0)
})

test('a transaction in pieces runs on a connection of its own that stood ready, and gives it back', async () => {
  const client = await open()
  await client.call('PING')
  await settled()
  const before = await accepted()
  expect(await client.call('MULTI')).toBe('OK')
  expect(lent()).toBe(1)
  // Others go on and do not get in between.
  const other = await open()
  expect(await other.call('SET', 'k', 'other')).toBe('OK')
  expect(await client.call('GET', 'k')).toBe('QUEUED')
  expect(await client.call('SET', 'k', 'mine')).toBe('QUEUED')
  expect(await other.call('GET', 'k')).toBe('other')
  expect(await client.call('EXEC')).toEqual(['other', 'OK'])
  await until(() => lent() === 0)
  expect(await other.call('GET', 'k')).toBe('mine')
  // One more may be dialled to have a spare again, none for the transaction itself.
  expect((await accepted()) - before).toBeLessThanOrEqual(1)
})

test('a hundred transactions in pieces, one after the other, use the same few connections', async () => {
  const client = await open()
  await client.call('PING')
  await settled()
  const before = connects()
  for (let i = 1; i <= 100; i++) {
    await client.call('MULTI')
    await client.call('INCR', 'n')
    expect(await client.call('EXEC')).toEqual([i])
  }
  expect(connects() - before).toBeLessThanOrEqual(2)
})

test('DISCARD ends a transaction in pieces without a trace', async () => {
  const client = await open()
  await client.call('MULTI')
  await client.call('SET', 'k', 'v')
  expect(await client.call('DISCARD')).toBe('OK')
  expect(await client.pipeline([['GET', 'k'], ['EXEC']])).toMatchObject([null, { message: 'ERR EXEC without MULTI' }])
  await until(() => lent() === 0)
})

test.each([
  ['whole', true],
  ['in pieces', false],
])('errors in a transaction that came %s are those of Redis', async (_, whole) => {
  const blocks: (readonly Argument[])[][] = [
    [['MULTI'], ['NOSUCHCOMMAND'], ['SET', 'k', 'v'], ['EXEC'], ['GET', 'k']],
    [['MULTI'], ['SET', 'k', 'v'], ['LPUSH', 'k', 'v'], ['INCR', 'k'], ['EXEC']],
    [['MULTI'], ['MULTI'], ['SET', 'k', '2'], ['EXEC']],
    [['MULTI'], ['WATCH', 'k'], ['SET', 'k', '3'], ['EXEC']],
    [['MULTI'], ['GET'], ['EXEC'], ['EXEC']],
    [['MULTI'], ['SELECT', '3'], ['SET', 'k', 'three'], ['EXEC'], ['GET', 'k'], ['SELECT', '0'], ['GET', 'k']],
    [['MULTI'], ['SELECT', '99'], ['EXEC'], ['GET', 'k']],
    [['MULTI'], ['SUBSCRIBE'], ['EXEC']],
    [['MULTI'], ['CLIENT', 'NOPE'], ['EXEC']],
    [['MULTI'], ['CLIENT', 'SETNAME', 'inside'], ['EXEC']],
    [['MULTI'], ['EXEC', 'x'], ['DISCARD']],
    [['MULTI'], ['PING'], ['ECHO', 'x'], ['EXEC']],
    [['MULTI'], ['UNWATCH'], ['DISCARD'], ['DISCARD']],
    [
      ['MULTI', 'x'],
      ['SET', 'k', '4'],
      ['GET', 'k'],
    ],
    [['MULTI'], ['EXEC']],
  ]
  const different: unknown[] = []
  for (const block of blocks) {
    const client = await open()
    const run = async (who: RespClient) => {
      await rig.direct.call('FLUSHALL')
      if (whole) return who.pipeline(block)
      const replies: unknown[] = []
      for (const command of block) replies.push(await who.call(...command))
      return replies
    }
    const expected = await run(rig.direct)
    const proxied = await run(client)
    if (!isDeepStrictEqual(proxied, expected)) different.push({ block: JSON.stringify(block), proxied, expected })
    await rig.direct.call('SELECT', 0)
  }
  expect(different).toEqual([])
})

test('EXEC after a watched key has changed runs nothing, and runs everything if it has not', async () => {
  const [a, b] = await Promise.all([open(), open()])
  expect(await a.call('WATCH', 'k')).toBe('OK')
  await b.call('SET', 'k', 'changed')
  expect(await a.pipeline([['MULTI'], ['SET', 'k', 'mine'], ['EXEC']])).toEqual(['OK', 'QUEUED', null])
  expect(await a.call('WATCH', 'k')).toBe('OK')
  expect(await a.call('GET', 'k')).toBe('changed')
  expect(await a.pipeline([['MULTI'], ['SET', 'k', 'mine'], ['EXEC']])).toEqual(['OK', 'QUEUED', ['OK']])
  await until(() => lent() === 0)
})

test('UNWATCH forgets what was watched and gives the connection back', async () => {
  const [a, b] = await Promise.all([open(), open()])
  await a.call('WATCH', 'k')
  expect(lent()).toBe(1)
  await b.call('SET', 'k', 'changed')
  expect(await a.call('UNWATCH')).toBe('OK')
  await until(() => lent() === 0)
  expect(await a.pipeline([['MULTI'], ['SET', 'k', 'mine'], ['EXEC']])).toEqual(['OK', 'QUEUED', ['OK']])
})

test('many clients that increment by WATCH and MULTI lose no increment', async () => {
  const clients = await rig.clients(8, rig.proxied)
  await Promise.all(
    clients.map(async client => {
      for (let done = 0; done < 10; ) {
        await client.call('WATCH', 'n')
        const n = Number((await client.call('GET', 'n')) ?? 0)
        const replies = await client.pipeline([['MULTI'], ['SET', 'n', n + 1], ['EXEC']])
        if (replies[2] !== null) done++
      }
    }),
  )
  expect(await rig.direct.call('GET', 'n')).toBe('80')
})

test('the connection of a client that died in WATCH or MULTI is reused clean', async () => {
  const small = await rig.portolan(rig.server.port, { backend: { exclusive: { max: 1, spare: 1 } } })
  const other = await rig.client(small)
  for (const leave of [
    ['WATCH', 'k'],
    ['MULTI', 'SET k dead'],
    ['WATCH k', 'MULTI', 'SET k dead'],
    ['SELECT 3', 'WATCH k'],
    ['SELECT 3', 'MULTI', 'SET k dead', 'SELECT 4'],
  ]) {
    await rig.direct.call('DEL', 'k')
    const victim = await rig.client(small)
    if (leave[0] === 'WATCH') await victim.call(...leave)
    else for (const command of leave) await victim.call(...command.split(' '))
    victim.close()
    await rig.direct.call('SET', 'k', 'changed')
    await until(() => small.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
    // Neither a transaction nor a watch nor another database is left on the one connection that there is.
    expect(await other.call('WATCH', 'other'), leave.join()).toBe('OK')
    expect(await other.call('GET', 'k'), leave.join()).toBe('changed')
    expect(await other.call('MULTI'), leave.join()).toBe('OK')
    expect(await other.call('GET', 'k'), leave.join()).toBe('QUEUED')
    expect(await other.call('EXEC'), leave.join()).toEqual(['changed'])
  }
  const names = String(await rig.direct.call('CLIENT', 'LIST'))
  expect(names).not.toContain('multi=0')
})

test('RESET in a transaction drops it', async () => {
  const client = await open()
  await client.call('WATCH', 'k')
  await client.call('MULTI')
  await client.call('SET', 'k', 'v')
  expect(await client.call('RESET')).toBe('RESET')
  expect(await client.call('GET', 'k')).toBe(null)
  await until(() => lent() === 0)
})

test('one client more than there are exclusive connections waits for one, or is told after the deadline', async () => {
  const small = await rig.portolan(rig.server.port, {
    backend: { exclusive: { max: 2, spare: 1, waitTimeout: '300ms' } },
  })
  const [a, b, c, inline] = await rig.clients(4, small)
  await a!.call('WATCH', 'a')
  await b!.call('WATCH', 'b')
  const waiting = c!.call('WATCH', 'c')
  await until(() => small.metric('portolan_upstream_queue') === 1)
  await a!.call('UNWATCH')
  expect(await waiting).toBe('OK')
  expect(String(await a!.call('WATCH', 'a'))).toMatch(/ERR .*exclusive connection/)
  expect(await a!.call('ECHO', 'still here')).toBe('still here')
  inline!.write('WATCH k\r\nECHO after\r\n')
  expect(String(await inline!.next())).toMatch(/ERR .*exclusive connection/)
  expect(await inline!.next()).toBe('after')
})

test('what a transaction says of its client is not left on the connection that it was on', async () => {
  const small = await rig.portolan(rig.server.port, { backend: { exclusive: { max: 1, spare: 1 } } })
  const lentBySmall = () => small.metric('portolan_upstream_connections', { use: 'exclusive' })
  const other = await rig.client(small)
  for (const body of [
    ['CLIENT SETNAME mine', 'SELECT 0'],
    ['SUBSCRIBE c', 'PSUBSCRIBE d'],
    ['HELLO 3 SETNAME mine'],
    ['AUTH default x', 'SELECT 4'],
  ]) {
    for (const end of ['EXEC', 'DISCARD', '']) {
      const client = await rig.client(small)
      expect(await client.call('MULTI')).toBe('OK')
      for (const line of body) expect(await client.call(...line.split(' ')), line).toBe('QUEUED')
      if (end !== '') {
        client.send(end)
        await client.next()
      }
      client.close()
      await until(() => small.connections() === 1 && lentBySmall() === 0)
      const replies = await other.pipeline([['WATCH', 'k'], ['HGETALL', 'none'], ['ECHO', 'x'], ['UNWATCH']])
      expect(replies, body.join()).toEqual(['OK', [], 'x', 'OK'])
      await until(() => lentBySmall() === 0)
      expect(String(await rig.direct.call('CLIENT', 'LIST'))).not.toMatch(/name=mine|sub=1|db=4/)
    }
  }
})

test('a listener with users asks for their passwords in transactions too, and at EXEC', async () => {
  process.env['TEST_TRANSACTION_PASSWORD'] = 'secret'
  const password = { env: 'TEST_TRANSACTION_PASSWORD' }
  const users = [
    { name: 'default', password },
    { name: 'reader', password, rules: ['+@all', '-set', '~*'] },
  ]
  const guarded = await rig.portolan(rig.server.port, { listener: { users } })
  const client = await rig.client(guarded)
  await client.call('AUTH', 'secret')
  await client.call('MULTI')
  for (const line of ['AUTH wrong', 'HELLO 3 AUTH reader wrong', 'HELLO 2 AUTH reader secret', 'SET k v'])
    expect(await client.call(...line.split(' ')), line).toBe('QUEUED')
  const wrong = { message: 'WRONGPASS invalid username-password pair or user is disabled.' }
  expect(await client.call('EXEC')).toMatchObject([wrong, wrong, expect.arrayContaining(['proto', 2]), 'OK'])
  expect(String(await client.call('SET', 'k', 'v'))).toMatch(/NOPERM/)
  expect(String(await client.call('CLIENT', 'INFO'))).toMatch(/ user=reader /)
})

test('a transaction cannot hold commands about its client without bound', async () => {
  const client = await open()
  const name = 'n'.repeat(200_000)
  await client.call('MULTI')
  const replies = await client.pipeline(Array.from({ length: 6 }, () => ['CLIENT', 'SETNAME', name] as const))
  expect(replies.slice(0, 5)).toEqual(Array(5).fill('QUEUED'))
  expect(String(replies[5])).toMatch(/ERR the transaction holds too many commands/)
  expect(String(await client.call('EXEC'))).toMatch(/EXECABORT/)
  expect(await client.call('CLIENT', 'GETNAME')).toBe(null)
})
