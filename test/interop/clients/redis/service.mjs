// What the programs on clients of Redis talk to: a server without passwords, and one with two.
import { startTarget } from '../../lib/target.mjs'

const PASSWORDS = {
  options: { args: ['--requirepass', 'secret', '--user', 'app', 'on', '>app-secret', '~*', '&*', '+@all'] },
  portolan: {
    env: { INTEROP_SECRET: 'secret', INTEROP_APP_SECRET: 'app-secret' },
    listener: {
      users: [
        { name: 'default', password: { env: 'INTEROP_SECRET' } },
        { name: 'app', password: { env: 'INTEROP_APP_SECRET' } },
      ],
    },
    backend: { credentials: { password: { env: 'INTEROP_SECRET' } } },
  },
}

/** Fresh servers: `{ env, alive(), log(), stop() }`, where `env` is what the programs are told. */
export async function startRedisService(through) {
  const target = await startTarget(through)
  const withPasswords = await startTarget(through, PASSWORDS)
  return {
    env: { REDIS_HOST: target.host, REDIS_PORT: String(target.port), REDIS_AUTH_PORT: String(withPasswords.port) },
    alive: () => target.alive() && withPasswords.alive(),
    log: () => target.log(),
    async stop() {
      await target.stop()
      await withPasswords.stop()
    },
  }
}
