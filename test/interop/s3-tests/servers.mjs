// What s3-tests talk to: Ceph's gateway with three accounts, directly or through Portolan, which gives the application other
// keys than the gateway knows and has each stand for one account.
import { proxies } from '../lib/proxies.mjs'
import { support } from '../lib/support.mjs'

const ACCOUNTS = {
  main: { uid: 'testid', displayName: 'M. Tester', email: 'tester@example.com' },
  alt: { uid: 'alt56789', displayName: 'john.doe', email: 'john.doe@example.com' },
  tenant: { uid: 'ten9876', tenant: 'testx', displayName: 'testx$tenanteduser', email: 'tenanteduser@example.com' },
}

const withKeys = side =>
  Object.fromEntries(
    Object.entries(ACCOUNTS).map(([name, account]) => [
      name,
      { ...account, accessKey: `${side}${name}`, secretKey: `${side}-secret-of-${name}` },
    ]),
  )

/** Of the gateway, with their keys there. */
export const accounts = withKeys('gateway')

/** Starts a fresh gateway and perhaps Portolan before it: `{ port, users, stop() }`. */
export async function startGateway(through) {
  const store = await (await support('support/radosgw.ts')).startRadosGateway(Object.values(accounts))
  if (through === 'direct') return { port: store.port, users: accounts, stop: () => store.stop() }
  try {
    const local = withKeys('local')
    const proxy = await proxies.portolan('s3', store.port, configuration(store.port, accounts, local))
    const stop = async () => {
      await proxy.stop()
      await store.stop()
    }
    return { port: proxy.port, users: local, stop }
  } catch (error) {
    await store.stop()
    throw error
  }
}

function configuration(port, users, local) {
  const env = {}
  const secret = ({ accessKey, secretKey }) => {
    env[`SECRET_${accessKey}`] = secretKey
    return { accessKeyId: accessKey, secretAccessKey: { env: `SECRET_${accessKey}` } }
  }
  const backend = user => ({
    protocol: 's3',
    endpoint: `http://127.0.0.1:${port}`,
    profile: 'ceph-before-squid',
    credentials: secret(user),
  })
  return {
    listener: {
      keys: Object.values(local).map(secret),
      routes: ['alt', 'tenant'].map(name => ({ keys: [local[name].accessKey], buckets: ['*'], backend: name })),
      // The gateway's own access control is what the suite looks at, also for those who do not sign.
      passUnsigned: ['*'],
      region: 'default',
    },
    backend: { ...backend(users.main), endpoints: undefined },
    otherBackends: { alt: backend(users.alt), tenant: backend(users.tenant) },
    env,
  }
}
