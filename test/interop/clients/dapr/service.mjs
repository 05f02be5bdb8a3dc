// What programs on Dapr's SDKs talk to: Portolan with components in its memory. No registry has a daprd to compare it with.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../../../scripts/ports.mjs'
import { startServer, withFolder } from '../../lib/processes.mjs'

const projectRoot = fileURLToPath(new URL('../../../..', import.meta.url))
const TOKEN = 'interop-token'

export async function startDaprService() {
  const [port, httpPort, guardedPort] = await freePorts(3)
  const app = await startEcho()
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-dapr-'))
  const config = {
    admin: { address: false },
    listeners: {
      api: { protocol: 'grpc', address: `127.0.0.1:${port}`, http: `127.0.0.1:${httpPort}` },
      guarded: { protocol: 'grpc', address: `127.0.0.1:${guardedPort}`, token: { env: 'INTEROP_TOKEN' } },
    },
    components: {
      configuration: { api: 'configuration', type: 'memory' },
      locks: { api: 'lock', type: 'memory' },
      secrets: { api: 'secrets', type: 'env', prefix: 'INTEROP_SECRET_' },
      pubsub: { api: 'pubsub', type: 'memory' },
      apps: {
        api: 'invoke',
        type: 'apps',
        apps: { echo: { address: `127.0.0.1:${app.address().port}`, protocol: 'http' } },
      },
    },
  }
  const file = join(dir, 'portolan.yaml')
  writeFileSync(file, JSON.stringify(config)) // JSON is YAML
  const bin = process.env['PORTOLAN_BIN'] ?? join(projectRoot, 'bin', 'portolan.cjs')
  const env = { ...process.env, INTEROP_TOKEN: TOKEN, INTEROP_SECRET_ONE: '1', INTEROP_SECRET_TWO: '2' }
  const server = withFolder(dir, await startServer(process.execPath, [bin, 'run', '-c', file], port, { env }))
  let isAlive = true
  server.exited.then(() => {
    isAlive = false
  })
  return {
    env: {
      DAPR_GRPC_ENDPOINT: `127.0.0.1:${port}`,
      DAPR_HTTP_ENDPOINT: `http://127.0.0.1:${httpPort}`,
      DAPR_GRPC_PORT: String(port),
      DAPR_HTTP_PORT: String(httpPort),
      INTEROP_GUARDED: `127.0.0.1:${guardedPort}`,
      INTEROP_TOKEN: TOKEN,
    },
    alive: () => isAlive,
    log: () => server.log(),
    async stop() {
      await server.stop()
      app.closeAllConnections()
      app.close()
    },
  }
}

/** An application that answers with what it was sent, and has nothing at /missing. */
async function startEcho() {
  const app = createServer((request, response) => {
    const parts = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      const type = request.headers['content-type'] ?? ''
      response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-type': 'text/plain' })
      response.end(`${request.method} ${request.url} ${type} ${Buffer.concat(parts)}`)
    })
  })
  await new Promise(resolve => app.listen(0, '127.0.0.1', resolve))
  return app
}
