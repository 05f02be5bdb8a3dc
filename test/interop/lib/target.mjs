// What a program talks to: a fresh server, directly or through Portolan or a blind relay; or a port somebody else opened.
import { proxies } from './proxies.mjs'
import { servers } from './servers.mjs'

const PROTOCOLS = { redis: 'redis', mariadb: 'mysql', mariadb11: 'mysql', mysql9: 'mysql' }

/** Starts a server and what `through` names in front of it: `{ host, port, serverPort, log(), alive(), stop() }`. */
export async function startTarget(through, { server: kind = 'redis', options, portolan = {} } = {}) {
  if (through.includes(':')) {
    const at = through.lastIndexOf(':')
    const [host, port] = [through.slice(0, at), Number(through.slice(at + 1))]
    return { host, port, serverPort: port, log: () => '', alive: () => true, stop: async () => {} }
  }
  const start = proxies[through]
  if (through !== 'direct' && start === undefined) throw new Error(`unknown proxy: ${through}`)
  const server = await servers[kind](options)
  let proxy
  try {
    proxy = await start?.(PROTOCOLS[kind], server.port, portolan)
  } catch (error) {
    await server.stop()
    throw error
  }
  let isAlive = true
  for (const one of [server, proxy]) {
    one?.exited.then(() => {
      isAlive = false
    })
  }
  return {
    host: '127.0.0.1',
    port: (proxy ?? server).port,
    serverPort: server.port,
    log: () => proxy?.log() ?? '',
    alive: () => isAlive,
    async stop() {
      await proxy?.stop()
      await server.stop()
    },
  }
}
