import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from './redis-server.ts'

const servers: RedisServer[] = []
const clients: Redis[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect()
  for (const server of servers.splice(0)) await server.stop()
})

async function started(...options: Parameters<typeof startRedis>): Promise<RedisServer> {
  const server = await startRedis(...options)
  servers.push(server)
  return server
}

function client(target: { port: number; password?: string } | { path: string }): Redis {
  const redis = new Redis({ ...target, retryStrategy: () => 20 })
  redis.on('error', () => {})
  clients.push(redis)
  return redis
}

test('serves on its port and its socket, and stop() leaves no process and no folder', async () => {
  const server = await started()
  expect(await client({ port: server.port }).set('k', 'v')).toBe('OK')
  expect(await client({ path: server.socketPath }).get('k')).toBe('v')
  const { pid } = server
  await server.stop()
  expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  expect(existsSync(server.dir)).toBe(false)
})

test('comes back on the same port after kill() and restart(), with another process', async () => {
  const server = await started({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const redis = client({ port: server.port })
  await redis.set('k', 'v')
  const { pid } = server
  await server.kill()
  await server.restart()
  expect(server.pid).not.toBe(pid)
  expect(await redis.get('k')).toBe('v')
})

test('answers nothing while paused, and may be stopped then', async () => {
  const server = await started()
  const redis = client({ port: server.port })
  await redis.ping()
  server.pause()
  const reply = redis.ping()
  expect(await Promise.race([reply, new Promise(resolve => setTimeout(resolve, 50, 'nothing'))])).toBe('nothing')
  server.resume()
  expect(await reply).toBe('PONG')
  server.pause()
  await server.stop()
})

test('asks for its password, and two servers live side by side', async () => {
  const [one, two] = await Promise.all([started({ password: 'secret' }), started()])
  await expect(client({ port: one.port }).get('k')).rejects.toThrow('NOAUTH')
  expect(await client({ port: one.port, password: 'secret' }).get('k')).toBeNull()
  expect(await client({ port: two.port }).get('k')).toBeNull()
})

test('says what the server says when it does not start', async () => {
  await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(/no-such-option/)
})
