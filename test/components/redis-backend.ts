/** A redis backend of Portolan's before a server that loses nothing, for components that work on it. */
import { expect } from 'vitest'
import { RedisBackend, redisBackendKind } from '../../src/backends/redis/index.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import { type Runtime, systemClock } from '../../src/protocol.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

export interface RedisBench {
  readonly server: RedisServer
  readonly backend: RedisBackend
  /** A second backend before the same server. */
  another(): Promise<RedisBackend>
  /** Kills the server, and waits until the backend has noticed. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export async function startRedisBench(): Promise<RedisBench> {
  const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const options = redisBackendKind.options.parse({ endpoints: [`127.0.0.1:${server.port}`] })
  const runtime = { metrics: new Metrics(), logger: silentLogger, clock: systemClock } as unknown as Runtime
  const backends: RedisBackend[] = []
  const another = async () => {
    const backend = new RedisBackend({ name: `store-${backends.length}`, protocol: 'redis', options }, runtime)
    backends.push(backend)
    await backend.start()
    return backend
  }
  const backend = await another()
  return {
    server,
    backend,
    another,
    async kill() {
      await server.kill()
      await expect.poll(() => backend.status().state).not.toBe('up')
    },
    async stop() {
      await Promise.all(backends.map(each => each.close(0)))
      await server.stop()
    },
  }
}
