// What S3 programs talk to: a real store, directly or through Portolan with keys of its own; or, as `embedded`,
// the store within Portolan, with Ceph's gateway to compare it with.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { withFolder } from '../../lib/processes.mjs'
import { proxies } from '../../lib/proxies.mjs'
import { support } from '../../lib/support.mjs'
import { startVersitygw } from '../../lib/versitygw.mjs'

const STORES = {
  swift: { profile: 'swift', start: async () => (await support('support/swift-server.ts')).startSwift() },
  radosgw: {
    profile: 'ceph-before-squid',
    start: async () => (await support('support/radosgw.ts')).startRadosGateway(),
  },
  versitygw: { profile: 'generic', start: startVersitygw },
}

/** Starts a store and, unless `through` is `direct`, Portolan before it. `isSecure`: programs speak TLS to either. */
export const startS3Service =
  (kind, isSecure = false) =>
  async through => {
    if (kind === 'embedded' && through === 'portolan') return startEmbedded()
    const { profile, start } = STORES[kind] ?? STORES.radosgw
    const store = await start()
    const files = isSecure ? await certificate() : undefined
    if (through === 'direct') {
      const relay = files && (await startTlsRelay(files, store.port))
      const direct = { port: relay?.port ?? store.port, key: store.accessKey, secret: store.secretKey, ca: files?.cert }
      return service(kind, direct, async () => {
        relay?.stop()
        await store.stop()
      })
    }
    if (through !== 'portolan') {
      await store.stop()
      throw new Error(`S3 programs run through portolan only, not ${through}`)
    }
    const credentials = { accessKeyId: store.accessKey, secretAccessKey: { env: 'INTEROP_BACKEND_SECRET' } }
    const keys = [{ accessKeyId: 'local', secretAccessKey: { env: 'INTEROP_LOCAL_SECRET' } }]
    let proxy
    try {
      proxy = await proxies.portolan('s3', store.port, {
        listener: { keys, ...(files && { tls: files }) },
        backend: { endpoints: undefined, endpoint: `http://127.0.0.1:${store.port}`, profile, credentials },
        env: { INTEROP_BACKEND_SECRET: store.secretKey, INTEROP_LOCAL_SECRET: 'local-secret' },
      })
    } catch (error) {
      await store.stop()
      throw error
    }
    return service(
      kind,
      { port: proxy.port, key: 'local', secret: 'local-secret', ca: files?.cert },
      async () => {
        await proxy.stop()
        await store.stop()
      },
      proxy,
    )
  }

async function startEmbedded() {
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-embedded-'))
  const keys = [{ accessKeyId: 'local', secretAccessKey: { env: 'INTEROP_LOCAL_SECRET' } }]
  const proxy = await proxies.portolan('s3', 0, {
    listener: { keys },
    backend: { endpoints: undefined, embedded: { dataDirectory: join(dir, 'data') } },
    env: { INTEROP_LOCAL_SECRET: 'local-secret' },
  })
  const { stop } = withFolder(dir, proxy)
  return service('embedded', { port: proxy.port, key: 'local', secret: 'local-secret' }, () => stop(), proxy)
}

/** The files of a certificate for this machine's loopback, as `{ cert, key }`. */
async function certificate() {
  const { selfSigned } = await support('../src/net/self-signed.ts')
  const made = selfSigned(['127.0.0.1'], new Date())
  const dir = mkdtempSync(join(tmpdir(), 'portolan-interop-tls-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  const files = { cert: join(dir, 'certificate.pem'), key: join(dir, 'key.pem') }
  for (const [name, path] of Object.entries(files)) writeFileSync(path, made[name])
  return files
}

/** TLS before a store that has none of its own. */
async function startTlsRelay({ cert, key }, storePort) {
  const sockets = new Set()
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, socket => {
    const store = connect(storePort, '127.0.0.1')
    for (const end of [socket, store]) {
      sockets.add(end)
      end.on('error', () => {}).on('close', () => sockets.delete(end))
    }
    socket.pipe(store).pipe(socket)
    socket.on('close', () => store.destroy())
    store.on('close', () => socket.destroySoon())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const stop = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port: server.address().port, stop }
}

function service(kind, { port, key, secret, ca }, stop, proxy) {
  let isAlive = true
  proxy?.exited.then(() => {
    isAlive = false
  })
  return {
    env: {
      INTEROP_S3_STORE: kind,
      INTEROP_S3_ENDPOINT: `http${ca ? 's' : ''}://127.0.0.1:${port}`,
      INTEROP_S3_KEY: key,
      INTEROP_S3_SECRET: secret,
      ...(ca && { INTEROP_S3_CA: ca }),
    },
    alive: () => isAlive,
    log: () => proxy?.log() ?? '',
    stop,
  }
}
