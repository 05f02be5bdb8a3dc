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
  /** Kills the server, and waits until the backend has noticed. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export async function startRedisBench(): Promise<RedisBench> {
  const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const options = redisBackendKind.options.parse({ endpoints: [`127.0.0.1:${server.port}`] })
  const runtime = { metrics: new Metrics(), logger: silentLogger, clock: systemClock } as unknown as Runtime
  const backend = new RedisBackend({ name: 'store', protocol: 'redis', options }, runtime)
  await backend.start()
  return {
    server,
    backend,
    async kill() {
      await server.kill()
      await expect.poll(() => backend.status().state).not.toBe('up')
    },
    async stop() {
      await backend.close(0)
      await server.stop()
    },
  }
}
