/** Commands that make a connection something else for good: SCRIPT DEBUG, and those that older servers do not know. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Rig, until } from '../../support/portolan.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'
import type { RespClient } from '../../support/resp-client.ts'

let redis: RedisServer
const rig = new Rig()
beforeAll(async () => void (redis = await startRedis()))
afterAll(() => redis.stop())
afterEach(() => rig.close())

describe('SCRIPT DEBUG', () => {
  /** A session of the debugger: a script in two steps, a variable looked at, then to its end. */
  async function debug(client: RespClient, mode: string): Promise<string[]> {
    const said: string[] = []
    const hear = async (...command: string[]) => void said.push(JSON.stringify(await client.call(...command)))
    await hear('SCRIPT', 'DEBUG', mode)
    await hear('EVAL', 'local a = redis.call("incr", KEYS[1])\nreturn a', '1', 'counter')
    await hear('step')
    await hear('print', 'a')
    client.send('continue')
    for (const end of await client.take(2)) said.push(JSON.stringify(end))
    await client.closed
    return said
  }

  test.each(['YES', 'SYNC'])(
    '%s: a whole session as with the server itself, on a connection of its own',
    async mode => {
      const portolan = await rig.portolan(redis.port)
      const [debugger_, other] = await rig.clients(2, portolan)
      await other!.call('DEL', 'counter')
      const through = await debug(debugger_!, mode)
      await other!.call('DEL', 'counter')
      const direct = await debug(await rig.client(redis.port), mode)
      expect(through).toEqual(direct)
      expect(direct.join()).toContain('endsession')
      expect(await other!.call('PING')).toBe('PONG')
      await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
    },
  )
})

test('a client whose connection is lost with its user does not go on as another one', async () => {
  const portolan = await rig.portolan(redis.port)
  const [client, root] = [await rig.client(portolan), await rig.client(redis.port)]
  await root.call('ACL', 'SETUSER', 'weak', 'on', '>weak-secret', '~*', '+get')
  expect(await client.call('AUTH', 'weak', 'weak-secret')).toBe('OK')
  expect(String(await client.call('SET', 'k', 'v'))).toContain('NOPERM')
  await root.call('CLIENT', 'KILL', 'USER', 'weak')
  await client.closed
})

describe('HIMPORT', () => {
  test('of a server that does not know it is answered by the server, and the client goes on', async () => {
    const portolan = await rig.portolan(redis.port)
    const [ours, theirs] = [await rig.client(portolan), await rig.client(redis.port)]
    const words = ['HIMPORT', 'PREPARE', 'a', 'f1', 'f2']
    expect(String(await ours.call(...words))).toBe(String(await theirs.call(...words)))
    expect(String(await theirs.call(...words))).toContain('unknown command')
    expect(await ours.call('SET', 'k', 'v')).toBe('OK')
    expect(await ours.pipeline([['MULTI'], ['GET', 'k'], ['EXEC']])).toEqual(['OK', 'QUEUED', ['v']])
    ours.close()
    await until(() => portolan.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  })
})
