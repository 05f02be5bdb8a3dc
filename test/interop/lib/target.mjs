// What stands between a program and Redis: nothing, Portolan, a blind relay, or a port somebody else opened.
import { startHaproxy, startPortolan, startRedis } from './processes.mjs'

const starters = { portolan: startPortolan, haproxy: startHaproxy }

/** Starts a fresh Redis and what `through` names in front of it: `{ host, port, redisPort, log(), stop() }`. */
export async function startTarget(through, { redisArgs = [], portolan = {} } = {}) {
  if (through.includes(':')) {
    const at = through.lastIndexOf(':')
    const [host, port] = [through.slice(0, at), Number(through.slice(at + 1))]
    return { host, port, redisPort: port, log: () => '', alive: () => true, stop: async () => {} }
  }
  const start = starters[through]
  if (through !== 'direct' && start === undefined) throw new Error(`unknown proxy: ${through}`)
  const redis = await startRedis(...redisArgs)
  let proxy
  try {
    proxy = await start?.(redis.port, portolan)
  } catch (error) {
    await redis.stop()
    throw error
  }
  const ended = new Set()
  for (const [name, server] of [
    ['redis', redis],
    [through, proxy],
  ])
    server?.exited.then(() => ended.add(name))
  return {
    host: '127.0.0.1',
    port: (proxy ?? redis).port,
    redisPort: redis.port,
    log: () => proxy?.log() ?? '',
    alive: () => ended.size === 0,
    async stop() {
      await proxy?.stop()
      await redis.stop()
    },
  }
}
