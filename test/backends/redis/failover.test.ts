/** A server that answers, but not as before: it is loading, busy, or no primary any more. */
import { afterEach, expect, test } from 'vitest'
import { Rig, until } from '../../support/portolan.ts'

const rig = new Rig()
afterEach(() => rig.close())

test('LOADING is passed on in the words of Redis; clients stay and are served when it is over', async () => {
  const redis = await rig.redis({ args: ['--loading-process-events-interval-bytes', '1024', '--key-load-delay', '0'] })
  const direct = await rig.client(redis.port)
  const portolan = await rig.portolan(redis.port)
  const [client, other] = await rig.clients(2, portolan)
  await client!.pipeline(Array.from({ length: 1000 }, (_, i) => ['SET', `k${i}`, 'v'.repeat(100)] as const))
  await direct.call('CONFIG', 'SET', 'key-load-delay', 500)
  const reloaded = direct.call('DEBUG', 'RELOAD')
  await until(async () => String(await client!.call('GET', 'k1')).includes('LOADING'))
  // Connections that are made meanwhile are as good as any.
  expect(String(await other!.call('SELECT', 4))).toMatch(/OK|LOADING/)
  expect(await other!.call('WATCH', 'k1')).toBe('OK')
  expect(await reloaded).toBe('OK')
  expect(await client!.call('GET', 'k1')).toBe('v'.repeat(100))
  await other!.call('SELECT', 0)
  expect(await other!.pipeline([['MULTI'], ['STRLEN', 'k1'], ['EXEC']])).toEqual(['OK', 'QUEUED', [100]])
  expect(portolan.status().state).toBe('up')
})

test('BUSY in a script is passed on, and SCRIPT KILL reaches the server', async () => {
  const redis = await rig.redis({ args: ['--busy-reply-threshold', '50'] })
  const portolan = await rig.portolan(redis.port)
  const [runner, other] = await rig.clients(2, portolan)
  await other!.call('PING')
  // On a connection of its own: what is behind a script on the same one must wait for it.
  await runner!.call('WATCH', 'k')
  const script = runner!.call('EVAL', 'while true do end', 0)
  await until(async () => String(await other!.call('GET', 'k')).includes('BUSY'))
  expect(await other!.call('SCRIPT', 'KILL')).toBe('OK')
  expect(String(await script)).toMatch(/Script killed/)
  expect(await other!.call('GET', 'k')).toBe(null)
})

test('after a failover behind one address, READONLY makes the connections be renewed', async () => {
  const [old, next] = [await rig.redis(), await rig.redis()]
  const proxy = await rig.proxy(old)
  const portolan = await rig.portolan(proxy.port)
  const client = await rig.client(portolan)
  expect(await client.call('SET', 'k', 'old')).toBe('OK')
  // The address leads to another server now; connections to the old one, a replica by now, stay open.
  proxy.target = next.port
  const direct = await rig.client(old.port)
  await direct.call('REPLICAOF', '127.0.0.1', next.port)
  await until(async () => {
    const reply = await client.call('SET', 'k', 'new')
    if (reply !== 'OK') expect(String(reply)).toMatch(/READONLY|ERR upstream/)
    return reply === 'OK'
  }, 'a write that reaches the new primary')
  expect(await (await rig.client(next.port)).call('GET', 'k')).toBe('new')
})
