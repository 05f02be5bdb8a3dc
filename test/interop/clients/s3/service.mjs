// What S3 programs talk to: a real store, directly or through Portolan with keys of its own; or, as `embedded`,
// the store within Portolan, with Ceph's gateway to compare it with.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withFolder } from '../../lib/processes.mjs'
import { proxies } from '../../lib/proxies.mjs'
import { support } from '../../lib/support.mjs'

const STORES = {
  swift: { profile: 'swift', start: async () => (await support('support/swift-server.ts')).startSwift() },
  radosgw: {
    profile: 'ceph-before-squid',
    start: async () => (await support('support/radosgw.ts')).startRadosGateway(),
  },
}

/** Starts a store and, unless `through` is `direct`, Portolan before it. */
export const startS3Service = kind => async through => {
  if (kind === 'embedded' && through === 'portolan') return startEmbedded()
  const { profile, start } = STORES[kind] ?? STORES.radosgw
  const store = await start()
  const direct = { port: store.port, key: store.accessKey, secret: store.secretKey }
  if (through === 'direct') return service(kind, direct, () => store.stop())
  if (through !== 'portolan') {
    await store.stop()
    throw new Error(`S3 programs run through portolan only, not ${through}`)
  }
  const credentials = { accessKeyId: store.accessKey, secretAccessKey: { env: 'INTEROP_BACKEND_SECRET' } }
  const keys = [{ accessKeyId: 'local', secretAccessKey: { env: 'INTEROP_LOCAL_SECRET' } }]
  let proxy
  try {
    proxy = await proxies.portolan('s3', store.port, {
      listener: { keys },
      backend: { endpoints: undefined, endpoint: `http://127.0.0.1:${store.port}`, profile, credentials },
      env: { INTEROP_BACKEND_SECRET: store.secretKey, INTEROP_LOCAL_SECRET: 'local-secret' },
    })
  } catch (error) {
    await store.stop()
    throw error
  }
  return service(
    kind,
    { port: proxy.port, key: 'local', secret: 'local-secret' },
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

function service(kind, { port, key, secret }, stop, proxy) {
  let isAlive = true
  proxy?.exited.then(() => {
    isAlive = false
  })
  return {
    env: {
      INTEROP_S3_STORE: kind,
      INTEROP_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      INTEROP_S3_KEY: key,
      INTEROP_S3_SECRET: secret,
    },
    alive: () => isAlive,
    log: () => proxy?.log() ?? '',
    stop,
  }
}
