/** A server that keeps some of its clients waiting: by a script that does not end, by CLIENT PAUSE. The others do not wait. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Portolan, Rig, until } from '../../support/portolan.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'
import type { RespClient } from '../../support/resp-client.ts'

let redis: RedisServer
const rig = new Rig()
let portolan: Portolan
let direct: RespClient
beforeAll(async () => {
  redis = await startRedis({ args: ['--busy-reply-threshold', '10'] })
})
afterAll(() => redis.stop())
beforeEach(async () => {
  direct = await rig.client(redis.port)
  await direct.call('FLUSHALL')
  portolan = await rig.portolan(redis.port)
})
afterEach(() => rig.close())

const ENDLESS = "while true do redis.call('PING') end"
const busy = (client: RespClient) =>
  until(async () => /^BUSY/.test(((await client.call('GET', 'k')) as Error)?.message))

describe('a script that does not end', () => {
  test.each([
    ['EVAL', [['EVAL', ENDLESS, 0]]],
    [
      'a function, loaded in the same piece',
      [
        ['FUNCTION', 'LOAD', 'REPLACE', `#!lua name=l\nredis.register_function('f', function() ${ENDLESS} end)`],
        ['FCALL', 'f', 0],
      ],
    ],
  ])('%s: others are told BUSY at once and can kill it, whatever database they use', async (name, requests) => {
    const [runner, other] = await rig.clients(2, portolan)
    await other!.call('SELECT', 5)
    const replies = runner!.pipeline([...requests, ['ECHO', 'behind']])
    await busy(other!)
    expect(await other!.call(name === 'EVAL' ? 'SCRIPT' : 'FUNCTION', 'KILL')).toBe('OK')
    const [failed, behind] = (await replies).slice(-2)
    expect(failed).toMatchObject({ message: expect.stringContaining('killed by user') })
    expect(behind).toBe('behind')
    // The connection that the killer had is one of database 0.
    await other!.pipeline([['MULTI'], ['SET', 'k', 'five']])
    await other!.call('EXEC')
    await direct.call('SELECT', 5)
    expect(await direct.call('GET', 'k')).toBe('five')
  })

  test('a database that cannot be selected meanwhile is not taken for selected', async () => {
    const [client, idle] = await rig.clients(2, portolan)
    await idle!.pipeline([['WATCH', 'k'], ['UNWATCH']])
    await client!.call('SELECT', 5)
    const script = direct.call('EVAL', ENDLESS, 0)
    const killer = await rig.client(redis.port)
    await busy(killer)
    expect(await client!.call('WATCH', 'k')).toMatchObject({ message: expect.stringMatching(/^BUSY/) })
    // A transaction fails as a whole.
    expect(await client!.call('MULTI')).toBe('OK')
    expect(await client!.call('SET', 'k', 'never')).toBe('QUEUED')
    expect(await killer.call('SCRIPT', 'KILL')).toBe('OK')
    await script
    expect(await client!.call('SET', 'k', 'never')).toBe('QUEUED')
    expect(await client!.call('EXEC')).toMatchObject({ message: expect.stringMatching(/^EXECABORT .*errors: BUSY/) })
    expect(await client!.call('GET', 'k')).toBe(null)
    await client!.pipeline([
      ['WATCH', 'k'],
      ['ECHO', 'split'],
    ])
    await client!.call('MULTI')
    await client!.call('SET', 'k', 'five')
    expect(await client!.call('EXEC')).toEqual(['OK'])
    expect(await direct.call('GET', 'k')).toBe(null)
    await direct.call('SELECT', 5)
    expect(await direct.call('GET', 'k')).toBe('five')
  })
})

describe('CLIENT PAUSE ... WRITE', () => {
  const blocked = (client: RespClient, count: number) =>
    until(async () => String(await client.call('INFO', 'clients')).includes(`blocked_clients:${count}\r`), `${count}`)

  test('writes wait one by one, reads and whoever ends it do not', async () => {
    const [pauser, reader, ...writers] = await rig.clients(6, portolan)
    await pauser!.call('PFADD', 'hll', 'x')
    expect(await pauser!.call('CLIENT', 'PAUSE', 60_000, 'WRITE')).toBe('OK')
    const replies = [
      writers[0]!.call('SET', 'k', 'v'),
      writers[1]!.pipeline([
        ['GET', 'k'],
        ['PFCOUNT', 'hll'],
        ['GET', 'k'],
      ]),
      writers[2]!.pipeline([['MULTI'], ['INCR', 'n'], ['EXEC']]),
      writers[3]!.call('EVAL', 'return 1', 0),
    ]
    await blocked(pauser!, 4)
    expect(await reader!.pipeline([['GET', 'k'], ['MULTI'], ['GET', 'n'], ['EXEC']])).toEqual([
      null,
      'OK',
      'QUEUED',
      [null],
    ])
    expect(await pauser!.call('CLIENT', 'UNPAUSE')).toBe('OK')
    expect(await Promise.all(replies)).toEqual(['OK', [null, 1, 'v'], ['OK', 'QUEUED', [1]], 1])
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
    // What comes now goes on the shared connection again.
    await writers[0]!.call('SET', 'k', 'w')
    expect(portolan.metric('portolan_upstream_connections', { use: 'exclusive' })).toBe(0)
  })

  test('ends by itself; inside a transaction it begins with EXEC', async () => {
    const [pauser, writer] = await rig.clients(2, portolan)
    await pauser!.pipeline([['MULTI'], ['CLIENT', 'PAUSE', 100, 'WRITE'], ['SET', 'k', 'v'], ['EXEC']])
    expect(await writer!.call('SET', 'k', 'w')).toBe('OK')
    expect(await pauser!.call('GET', 'k')).toBe('w')
  })

  test('more writers than exclusive connections: they wait together', async () => {
    const small = await rig.portolan(redis.port, { backend: { exclusive: { max: 2, spare: 0, waitTimeout: '100ms' } } })
    const [pauser, ...writers] = await rig.clients(6, small)
    await pauser!.call('CLIENT', 'PAUSE', 60_000, 'WRITE')
    const replies = writers.map((writer, i) => writer.call('SET', `k${i}`, i))
    await blocked(direct, 3)
    await direct.call('CLIENT', 'UNPAUSE')
    expect(await Promise.all(replies)).toEqual(writers.map(() => 'OK'))
  })
})
