/** The Redis protocol: RESP2, RESP3 and inline requests on one port. */
import type { Protocol } from '../../src/protocol.ts'
import { RedisListener } from './listener.ts'
import { type RedisListenerOptions, redisListenerOptions } from './options.ts'

export const redis: Protocol = {
  name: 'redis',
  options: redisListenerOptions,
  exposed: options => {
    const { users, tls } = options as RedisListenerOptions
    return users.length > 0 || tls?.requireClientCertificate === true
  },
  environment: (config, address) => {
    const { tls } = config.options as RedisListenerOptions
    return { REDIS_URL: address.startsWith('/') ? `unix://${address}` : `${tls ? 'rediss' : 'redis'}://${address}` }
  },
  build: (config, runtime) => new RedisListener(config, runtime),
}
