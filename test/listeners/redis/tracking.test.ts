/** CLIENT TRACKING: invalidations reach the client that asked for them, and nobody else. */
import { expect, test } from 'vitest'
import { until } from '../../support/portolan.ts'
import { RedisRig } from '../../support/redis-rig.ts'

const rig = new RedisRig()

const open = () => rig.client(rig.proxied)

test('RESP3: a key that was read is announced when another client changes it, once', async () => {
  const [tracker, other, bystander] = await rig.clients(3, rig.proxied)
  await tracker!.hello3()
  await bystander!.hello3()
  expect(await tracker!.call('CLIENT', 'TRACKING', 'ON')).toBe('OK')
  await tracker!.call('GET', 'k')
  await bystander!.call('GET', 'k')
  await other!.call('SET', 'k', 'v')
  expect(await tracker!.push()).toEqual(['invalidate', ['k']])
  await other!.call('SET', 'k', 'w')
  expect(await tracker!.call('GET', 'k')).toBe('w')
  expect(tracker!.unreadPushes).toBe(0)
  await rig.direct.call('FLUSHALL')
  expect(await tracker!.push()).toEqual(['invalidate', null])
  expect(bystander!.unreadPushes).toBe(0)
})

test('RESP3: pushes come between replies of a long pipeline, never inside one', async () => {
  const [tracker, other] = await rig.clients(2, rig.proxied)
  await tracker!.hello3()
  await tracker!.call('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'p:')
  await rig.direct.call('RPUSH', 'list', ...Array.from({ length: 500 }, (_, i) => `element ${i}`))
  const writes = Array.from({ length: 300 }, (_, i) => ['SET', `p:${i}`, i] as const)
  const reads = Array.from({ length: 300 }, () => ['LRANGE', 'list', 0, -1] as const)
  const [replies] = await Promise.all([tracker!.pipeline(reads), other!.pipeline(writes)])
  for (const reply of replies) expect(reply).toHaveLength(500)
  const keys = new Set<unknown>()
  while (keys.size < 300) for (const key of ((await tracker!.push()) as [string, string[]])[1]) keys.add(key)
})

test('OPTIN with CACHING YES, TRACKINGINFO and OFF behave as direct', async () => {
  const client = await (await open()).hello3()
  await rig.direct.hello3()
  for (const command of [
    ['CLIENT', 'TRACKINGINFO'],
    ['CLIENT', 'TRACKING', 'ON', 'OPTIN'],
    ['CLIENT', 'TRACKINGINFO'],
    ['CLIENT', 'GETREDIR'],
    ['CLIENT', 'CACHING', 'YES'],
    ['GET', 'k'],
    ['GET', 'not tracked'],
    ['CLIENT', 'CACHING', 'NO'],
    ['CLIENT', 'TRACKING', 'ON', 'OPTOUT'],
  ]) {
    expect(await client.call(...command), command.join(' ')).toEqual(await rig.direct.call(...command))
  }
  const other = await open()
  await other.call('MSET', 'k', 'v', 'not tracked', 'v')
  expect(await client.push()).toEqual(['invalidate', ['k']])
  await client.call('PING')
  expect(client.unreadPushes).toBe(0)
  expect(await client.call('CLIENT', 'TRACKING', 'OFF')).toBe('OK')
  await client.call('GET', 'k')
  await other.call('SET', 'k', 'w')
  await client.call('PING')
  expect(client.unreadPushes).toBe(0)
})

test('RESP2: REDIRECT names another client of ours, which gets the invalidations as messages', async () => {
  const [listener, tracker, other] = await rig.clients(3, rig.proxied)
  const id = (await listener!.call('CLIENT', 'ID')) as number
  expect(await listener!.call('SUBSCRIBE', '__redis__:invalidate')).toEqual(['subscribe', '__redis__:invalidate', 1])
  expect(await tracker!.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)).toBe('OK')
  expect(await tracker!.call('CLIENT', 'GETREDIR')).toBe(id)
  await tracker!.call('GET', 'k')
  await other!.call('SET', 'k', 'v')
  expect(await listener!.next()).toEqual(['message', '__redis__:invalidate', ['k']])
  expect(await tracker!.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', 987_654)).toMatchObject({
    message: 'ERR The client ID you want redirect to does not exist',
  })
})

test('REDIRECT to a client that subscribes only later works as well', async () => {
  const [listener, tracker, other] = await rig.clients(3, rig.proxied)
  const id = (await listener!.call('CLIENT', 'ID')) as number
  expect(await tracker!.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)).toBe('OK')
  expect(await listener!.call('SUBSCRIBE', '__redis__:invalidate')).toEqual(['subscribe', '__redis__:invalidate', 1])
  await tracker!.call('GET', 'k')
  await other!.call('SET', 'k', 'v')
  expect(await listener!.next()).toEqual(['message', '__redis__:invalidate', ['k']])
})

test('nobody inherits the connection of a client that tracked', async () => {
  const client = await (await open()).hello3()
  await client.call('CLIENT', 'TRACKING', 'ON', 'BCAST')
  client.close()
  await until(async () => !String(await rig.direct.call('CLIENT', 'LIST')).includes('flags=B'))
  await until(() => rig.proxied.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
  const next = await (await open()).hello3()
  for (let i = 0; i < 5; i++) {
    await next.call('WATCH', 'k')
    await rig.direct.call('SET', 'k', i)
    await next.call('UNWATCH')
  }
  expect(next.unreadPushes).toBe(0)
})

test('RESET ends tracking', async () => {
  const client = await (await open()).hello3()
  await client.call('CLIENT', 'TRACKING', 'ON')
  await client.call('GET', 'k')
  expect(await client.call('RESET')).toBe('RESET')
  await rig.direct.call('SET', 'k', 'v')
  await client.hello3()
  expect(await client.call('GET', 'k')).toBe('v')
  expect(client.unreadPushes).toBe(0)
  await until(() => rig.proxied.metric('portolan_upstream_connections', { use: 'exclusive' }) === 0)
})
